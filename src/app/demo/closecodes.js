/* Close codes (RFC 6455 section 7.4.1 and the IANA registry) in plain words, with what they mean
 * when wsluice is on the other side. */

export const CLOSE_CODES = new Map([
  [1000, ['Normal', 'The end was intended. With "Target closed", the service behind wsluice ended its side, and every byte of it came through.']],
  [1001, ['Going away', 'The other side stops: wsluice is shutting down, the session was idle too long, or this page was left.']],
  [1002, ['Protocol error', 'Something broke the rules of WebSocket framing, and the connection was ended for it.']],
  [1003, ['Unacceptable data', 'The other side does not take this kind of message, such as text where only bytes are wanted.']],
  [1005, ['No code', 'The connection was closed in order, without a code.']],
  [1006, ['Cut off', 'No Close frame came. Nobody listens there, it is no WebSocket, the page may not use it, or the network died. Browsers do not tell pages which.']],
  [1007, ['Broken text', 'A text message was not valid UTF-8. Send bytes as binary.']],
  [1008, ['Not allowed', 'A rule of the other side forbids this connection.']],
  [1009, ['Too big', 'A message was larger than the other side takes.']],
  [1010, ['Extension missing', 'This side demanded an extension that the other one does not have.']],
  [1011, ['Failed behind it', 'wsluice could not go on: the service refused, could not be reached or reset the connection. The reason says which.']],
  [1012, ['Restarting', 'The other side restarts. Connect again in a moment.']],
  [1013, ['Try again later', 'Too much to do just now: a limit was reached. Connect again later.']],
  [1014, ['Bad gateway', 'A gateway got no usable answer from the server behind it.']],
  [1015, ['TLS failed', 'The encrypted connection could not be made, for instance for a certificate that is not trusted.']],
]);

/** {name, words} for any code. */
export function explainClose(code) {
  const known = CLOSE_CODES.get(code);
  if (known) return { name: known[0], words: known[1] };
  if (code >= 4000 && code < 5000) return { name: 'Private', words: 'A code that this application gave a meaning of its own.' };
  if (code >= 3000 && code < 4000) return { name: 'Registered', words: 'A code that a library or framework has registered.' };
  return { name: 'Unknown', words: 'No meaning is registered for this code.' };
}
