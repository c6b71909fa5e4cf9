# Re:Live on the CPU, installed and with all small weights, so that a container needs no network:
#
#   docker build -t relive .
#   docker run --rm -v "$PWD/outputs:/app/outputs" relive          # the demo; its page is outputs/index.html
#   docker run --rm relive python3 run.py test                     # the test suite (installs its own packages first)
#
FROM python:3.11-slim-bookworm

# PyTorch's own index has builds without CUDA, 0.2 instead of 5 GB; pip prefers them as 2.x.y+cpu is above 2.x.y.
ENV PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu \
    PIP_NO_CACHE_DIR=1 \
    PYTHONUNBUFFERED=1

RUN useradd --create-home --uid 1000 relive && mkdir /app && chown relive /app
USER 1000
WORKDIR /app

COPY --chown=relive . .
RUN python3 run.py fetch && .venv/bin/python -m pip install --quiet --editable ".[ray]"

CMD ["python3", "run.py"]
