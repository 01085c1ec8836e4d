/* What became of a token, and in which words the log says so. */
#ifndef ROUTE_JOSE_VERDICT_H
#define ROUTE_JOSE_VERDICT_H

enum jose_verdict {
  JOSE_GOOD,
  JOSE_MALFORMED, /* parts, base64url or JSON */
  JOSE_HEADER,    /* asks for what would change its meaning: crit, zip, b64 */
  JOSE_ALGORITHM, /* none that goes with the key */
  JOSE_FORGED,    /* signature, tag or encrypted key: which of them is nobody's business */
  JOSE_CLAIMS,    /* host, port, nbf or exp are missing or of the wrong kind */
  JOSE_TOO_EARLY,
  JOSE_EXPIRED,
  JOSE_NO_MEMORY
};

#endif
