-- What the application of a drill has. Made by whoever owns the application's tables, with the
-- application's schema first in the search path.
CREATE TABLE customers (
    id int PRIMARY KEY,
    orders int NOT NULL DEFAULT 0,
    total bigint NOT NULL DEFAULT 0
);
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    form text NOT NULL UNIQUE,
    customer int REFERENCES customers (id),
    note text NOT NULL,
    total bigint NOT NULL CHECK (total >= 0),
    saved timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE lines (
    form text NOT NULL REFERENCES orders (form),
    position int NOT NULL CHECK (position > 0),
    item text NOT NULL,
    quantity int NOT NULL,
    price bigint NOT NULL,
    PRIMARY KEY (form, position)
);
CREATE TABLE attachments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    body text NOT NULL
);
