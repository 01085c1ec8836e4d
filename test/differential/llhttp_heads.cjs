// llhttp_heads: says of each record, a request head and maybe what follows it, how Node's HTTP parser (llhttp, strict)
// reads it.
//
// The parser is asked directly, not by way of a socket: at its own speed, and with the verdict that Node's http server
// would act on.
"use strict";
const { answerEach, pairs } = require("./records.cjs");

const binding = process.binding("http_parser"); // the same in all versions of Node so far
const { HTTPParser } = binding;
const METHODS = binding.allMethods || binding.methods; // Node 20, 18
const LENIENT_NONE = 0;
const HEAD_MAX = 1 << 24;
// What the callback at the end of a head may answer.
const READ_ON = 0;
const STOP_HERE = 2; // as if the connection changed its protocol: execute() then says where the head ends

function parse(bytes, answer) {
  const parser = new HTTPParser();
  parser.initialize(HTTPParser.REQUEST, {}, HEAD_MAX, LENIENT_NONE);
  const found = { headers: [], target: "", whole: false, message: false };
  parser[HTTPParser.kOnHeaders] = (headers, target) => { // more than 32, in portions
    found.headers.push(...headers);
    found.target += target;
  };
  parser[HTTPParser.kOnHeadersComplete] = (...given) => {
    const [major, minor, headers, method, target, , , upgrade, keepAlive] = given;
    found.whole = true;
    found.headers.push(...(headers || []));
    found.target += target || "";
    Object.assign(found, { major, minor, method: METHODS[method], upgrade, keepAlive });
    return answer;
  };
  parser[HTTPParser.kOnBody] = () => {};
  parser[HTTPParser.kOnMessageComplete] = () => { found.message = true; };
  found.result = parser.execute(bytes);
  return found;
}

function refusal(error) {
  return { status: "refused", reason: `${error.code}: ${error.reason}` };
}

answerEach((bytes) => {
  const head = parse(bytes, STOP_HERE);
  if (head.result instanceof Error) return refusal(head.result);
  if (!head.whole) return { status: "more" };
  const end = head.result;
  // Once more without what follows: a message that is over with its head has no body.
  const message = parse(bytes.subarray(0, end), READ_ON);
  if (message.result instanceof Error) return refusal(message.result);
  return {
    status: "accepted", method: head.method, target: head.target, major: head.major, minor: head.minor,
    fields: pairs(head.headers), end, upgrade: head.upgrade, body: !message.message, keep_alive: head.keepAlive,
  };
});
