// The rule of pet/choosing and the drawing of pet/drawing/vector_pets.py, with the same float64 arithmetic: for equal
// names and tastes it gives the same bytes of SVG. `data` is wardrobe.json, described by wardrobe.schema.json.

function dots(a, b) {
  let total = a[0] * b[0];
  for (let i = 1; i < a.length; i++) total += a[i] * b[i];
  return total;
}

function unit(vector) {
  let squares = dots(vector, vector);
  if (squares < 1e-20 || squares > 1e20) {
    const peak = Math.max(...vector);
    vector = vector.map((value) => value / (peak > 0 ? peak : 1));
    squares = Math.max(dots(vector, vector), 1e-20);
  }
  const length = Math.sqrt(squares);
  return vector.map((value) => value / length);
}

// ---- numbers of a name ----

function utf8(text) {
  const bytes = [];
  for (const letter of text.normalize("NFC")) {
    const code = letter.codePointAt(0);
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return bytes;
}

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

const BLAKE2B_START = [
  0x6a09e667f3bcc908n, 0xbb67ae8584caa73bn, 0x3c6ef372fe94f82bn, 0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n, 0x9b05688c2b3e6c1fn, 0x1f83d9abfb41bd6bn, 0x5be0cd19137e2179n,
];
const BLAKE2B_ORDER = [
  "0123456789abcdef", "ea489fd61c02b753", "b8c052fdae367194", "7931dcbe265a40f8", "905724afe1bc683d",
  "2c6a0b834d75fe19", "c51fed4a0763928b", "db7ec13950f4862a", "6fe9b308c2d714a5", "a2847615fb9e3cd0",
];

// BLAKE2b (RFC 7693) with a digest of 8 bytes, as a big-endian number.
function blake2b64(bytes) {
  const turn = (value, bits) => BigInt.asUintN(64, (value >> bits) | (value << (64n - bits)));
  const blocks = Math.max(1, Math.ceil(bytes.length / 128));
  const state = [...BLAKE2B_START];
  state[0] ^= 0x01010008n;
  for (let block = 0; block < blocks; block++) {
    const is_last = block === blocks - 1;
    const words = Array.from({ length: 16 }, (_, word) => {
      let value = 0n;
      for (let byte = 7; byte >= 0; byte--) value = (value << 8n) | BigInt(bytes[128 * block + 8 * word + byte] ?? 0);
      return value;
    });
    const v = [...state, ...BLAKE2B_START];
    v[12] ^= BigInt(is_last ? bytes.length : 128 * (block + 1));
    if (is_last) v[14] ^= 0xffffffffffffffffn;
    const mix = (a, b, c, d, x, y) => {
      v[a] = BigInt.asUintN(64, v[a] + v[b] + x);
      v[d] = turn(v[d] ^ v[a], 32n);
      v[c] = BigInt.asUintN(64, v[c] + v[d]);
      v[b] = turn(v[b] ^ v[c], 24n);
      v[a] = BigInt.asUintN(64, v[a] + v[b] + y);
      v[d] = turn(v[d] ^ v[a], 16n);
      v[c] = BigInt.asUintN(64, v[c] + v[d]);
      v[b] = turn(v[b] ^ v[c], 63n);
    };
    for (let round = 0; round < 12; round++) {
      const order = [...BLAKE2B_ORDER[round % 10]].map((digit) => words[parseInt(digit, 16)]);
      for (let i = 0; i < 4; i++) mix(i, 4 + i, 8 + i, 12 + i, order[2 * i], order[2 * i + 1]);
      for (let i = 0; i < 4; i++) {
        mix(i, 4 + ((i + 1) % 4), 8 + ((i + 2) % 4), 12 + ((i + 3) % 4), order[8 + 2 * i], order[9 + 2 * i]);
      }
    }
    for (let i = 0; i < 8; i++) state[i] ^= v[i] ^ v[i + 8];
  }
  let number = 0n;
  for (let byte = 0n; byte < 8n; byte++) number = (number << 8n) | ((state[0] >> (8n * byte)) & 255n);
  return number;
}

// ---- choosing ----

const SLOTS = ["Head", "Torso", "Face"];

function firstOfBest(scores, tie) {
  const best = Math.max(...scores);
  return scores.findIndex((score) => score >= best - tie);
}

function nearest(aim, rows, rule) {
  const left = rows.map((row) => dots(aim, unit(row)));
  const list = [];
  while (list.length < rule.top_n) {
    const chosen = firstOfBest(left, rule.tie);
    list.push(chosen);
    left[chosen] = -Infinity;
  }
  return list;
}

// Indices of the accessories of Head, Torso and Face for a taste: one value for each genre, none negative.
function chooseSet(data, taste, name) {
  const rows = SLOTS.map((slot) => data.slots[slot].map((item) => item.genres).filter((row) => row.some(Boolean)));
  if (!taste.some(Boolean)) {
    return SLOTS.map((slot, i) => (rows[i].length < data.slots[slot].length ? rows[i].length : 0));
  }
  const liked = unit(taste);
  const aim = unit(liked.map((value) => Array(data.rule.power).fill(value).reduce((a, b) => a * b)));
  const [heads, torsos, faces] = rows.map((slot) => nearest(aim, slot, data.rule));
  const sets = [];
  for (const h of heads) for (const t of torsos) for (const f of faces) {
    const sum = unit(rows[0][h].map((value, genre) => value + rows[1][t][genre] + rows[2][f][genre]));
    const order = (h * rows[1].length + t) * rows[2].length + f;
    sets.push({ indices: [h, t, f], order, byAim: dots(sum, aim), byTaste: dots(sum, liked) });
  }
  const peak = Math.max(...sets.map((set) => set.byAim));
  const tied = sets.filter((set) => set.byAim >= peak - data.rule.tie);
  const best = tied.reduce((first, set) => (set.order < first.order ? set : first));
  const allowed = sets.filter(
    (set) => Math.min(set.byAim - best.byAim, set.byTaste - best.byTaste) + data.rule.loss >= 0,
  );
  return allowed[crc32(utf8(`${data.rule.seed} ${name}`)) % allowed.length].indices;
}

function designPet(data, taste, name) {
  const indices = chooseSet(data, taste, name);
  const body = data.bodies[crc32(utf8(name)) % data.bodies.length];
  let coat = null;
  if (body.coat !== null) {
    const [number, colours] = [blake2b64(utf8(name)), Object.keys(data.coats)];
    const [count, looks] = [BigInt(colours.length), BigInt(data.looks.length)];
    coat = { colour: colours[Number(number % count)], look: data.looks[Number((number / count) % looks)] };
  }
  return { body, coat, worn: Object.fromEntries(SLOTS.map((slot, i) => [slot, data.slots[slot][indices[i]]])) };
}

// ---- drawing ----

const COLOUR = /#[0-9a-f]{6}\b/g;

function plainText(words) {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

function drawPet(data, { body, coat, worn }) {
  const size = data.canvas_px;
  let [fur, look, drawing, marking] = ["", "", body.svg, ""];
  if (coat !== null) {
    const [drawn, colours] = [data.coats[body.coat], data.coats[coat.colour]];
    const roles = drawn.slice(0, 4);
    drawing = body.svg.replace(COLOUR, (found) => (roles.includes(found) ? colours[roles.indexOf(found)] : found));
    look = `, ${coat.colour}, ${coat.look}`;
    if (coat.look !== "plain") {
      const [tone, name] = coat.look.split(" ");
      const mask = body.svg.replace(COLOUR, (found) => (found === drawn[0] ? "#ffffff" : "#000000"));
      const shapes = data.markings[name].replaceAll("#000000", colours[data.tones[tone].colour]);
      fur =
        '<defs><mask id="Fur" maskUnits="userSpaceOnUse" x="0" y="0" ' +
        `width="${size}" height="${size}">${mask}</mask></defs>\n`;
      marking = `<g mask="url(#Fur)" opacity="${data.tones[tone].opacity}">${shapes}</g>`;
    }
  }
  const label = body.name + look;
  const layer = (id, words, content) =>
    `<g id="${id}" inkscape:groupmode="layer" inkscape:label="${plainText(words)}">${content}</g>\n`;
  const title = `${label}: ${SLOTS.map((slot) => worn[slot].name).join(", ")}`;
  return (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" ' +
    `viewBox="0 0 ${size} ${size}" width="${size}" height="${size}">\n` +
    `<title>${plainText(title)}</title>\n` +
    "<desc>A pet of Re:Live: drawn layers, put together by a taste in music. " +
    "CC0 1.0, https://creativecommons.org/publicdomain/zero/1.0/</desc>\n" +
    fur +
    layer("Body", `Body: ${label}`, drawing + marking) +
    data.layers.map((slot) => layer(slot, `${slot}: ${worn[slot].name}`, worn[slot].svg)).join("") +
    "</svg>\n"
  );
}

// ---- saying why ----

function joined(words, sentences) {
  if (words.length === 1) return words[0];
  const last = words[words.length - 1];
  return `${words.slice(0, -1).join(", ")} ${sentences[last.startsWith("i") ? "and_before_i" : "and"]} ${last}`;
}

function byLiking(taste) {
  return taste.map((_, genre) => genre).sort((a, b) => taste[b] - taste[a] || a - b);
}

function filled(sentence, words) {
  return sentence.replace(/\{(\w+)\}/g, (_, key) => words[key]);
}

function explainPet(data, taste, { worn }, language) {
  const sentences = data.sentences[language];
  const items = SLOTS.map((slot) => worn[slot]);
  const all = joined(items.map((item) => item.words[language]), sentences);
  if (!taste.some(Boolean)) return filled(sentences.nothing, { worn: all });
  const even = items.filter((item) => item.genres.every((value) => value === item.genres[0]));
  if (even.length >= 2) return filled(sentences.everything, { worn: all });
  const least = data.favourite_share * Math.max(...taste);
  const liked = byLiking(taste).slice(0, 3).filter((genre) => taste[genre] > 0 && taste[genre] >= least);
  const genres = joined(liked.map((genre) => data.genres[genre].words[language]), sentences);
  return filled(sentences.favourites, { genres, worn: all });
}

// The genre of which one point more would change the pet, and what it would wear; "" where none would.
function explainChange(data, taste, name, { worn }, language) {
  const found = [];
  for (const genre of byLiking(taste).filter((one) => taste[one] < 1)) {
    const other = [...taste];
    other[genre] = Math.min(taste[genre] + data.point, 1);
    const items = chooseSet(data, other, name).map((index, i) => data.slots[SLOTS[i]][index]);
    const fresh = items.filter((item, i) => item.name !== worn[SLOTS[i]].name);
    if (fresh.length) {
      const item = fresh.reduce((most, one) => (one.genres[genre] > most.genres[genre] ? one : most));
      if (item.genres[genre]) found.push({ genre, item, own: item.genres[genre] === Math.max(...item.genres) });
    }
  }
  if (!found.length) return "";
  const { genre, item } = found.find((change) => change.own) ?? found[0];
  const words = { genre: data.genres[genre].words[language], worn: item.words[language] };
  return filled(data.sentences[language].more, words);
}
