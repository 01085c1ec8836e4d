// What the Node scripts read and write: records on standard input (four bytes of length, the lowest first, and that
// many bytes), a line of JSON for each on standard output.
"use strict";
const fs = require("node:fs");

const LENGTH_SIZE = 4;

// Calls `read` with the bytes of each record and prints what it returns.
exports.answerEach = (read) => {
  const input = fs.readFileSync(0);
  const lines = [];
  for (let at = 0; at < input.length;) {
    const start = at + LENGTH_SIZE;
    const end = start + input.readUInt32LE(at);
    lines.push(`${JSON.stringify(read(input.subarray(start, end)))}\n`);
    at = end;
  }
  process.stdout.write(lines.join(""));
};

// Names and values in turn, as pairs.
exports.pairs = (flat) => {
  const fields = [];
  for (let i = 0; i < flat.length; i += 2) fields.push([flat[i], flat[i + 1]]);
  return fields;
};
