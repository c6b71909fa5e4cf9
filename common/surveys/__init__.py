"""Reading tables of music tastes: file dialects, columns, scales."""
