// llhttp_answers: says of each record how Node's HTTP parser (llhttp, strict) reads a server's answer in it. The
// record's first byte is "H" for an answer to HEAD, which has no body whatever its head says.
"use strict";
const { answerEach, pairs } = require("./records.cjs");

const { HTTPParser } = process.binding("http_parser"); // the same in all versions of Node so far
const LENIENT_NONE = 0;
const READ_ON = 0;
const NO_BODY = 1;
const SWITCHING_PROTOCOLS = 101;

answerEach((record) => {
  const toHead = record[0] === "H".charCodeAt(0);
  const bytes = record.subarray(1);
  const parser = new HTTPParser();
  parser.initialize(HTTPParser.RESPONSE, {}, 1 << 16, LENIENT_NONE);
  const said = { whole: false, body: "", error: "" };
  parser[HTTPParser.kOnHeadersComplete] = (...given) => {
    const [major, minor, headers, , , status, phrase, upgrade, keepAlive] = given;
    Object.assign(said, { version: `${major}.${minor}`, status, phrase, fields: pairs(headers) });
    Object.assign(said, { upgrade, keep_alive: keepAlive });
    return toHead ? NO_BODY : READ_ON;
  };
  parser[HTTPParser.kOnBody] = (...given) => {
    const [chunk, at, length] = given; // Node 18 hands over the whole buffer
    said.body += (at === undefined ? chunk : chunk.subarray(at, at + length)).toString("latin1");
  };
  parser[HTTPParser.kOnMessageComplete] = () => { said.whole = true; };
  const result = parser.execute(bytes);
  if (result instanceof Error) said.error = `${result.code}: ${result.reason}`;
  said.rest = said.status === SWITCHING_PROTOCOLS ? bytes.length - result : 0;
  return said;
});
