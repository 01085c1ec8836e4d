"""Command lines, and the scenes that are played on both programs started by them. A flag is a row, or more where it
means something else with another; what differs stands in differences.py.

{port} is the run's own, {here} its folder (pair.Pages says what is in it), {target} the port of a service that
echoes, {unix} the same on a socket file, {tls} the same over TLS, {dead} a port on which nobody listens.
"""

from typing import NamedTuple

import scenes as s


class Row(NamedTuple):
    name: str
    words: str
    scenes: tuple
    cwd: str = "."  # below {here}
    ours: str = ""  # words for wsluice alone: what docs/MIGRATING.md says is to be added


TO = "{port} 127.0.0.1:{target}"

ROWS = [
    # --- without flags ---
    Row("ports", TO, (s.session, s.bulk, s.paths, s.said)),
    Row("closing", TO, (s.closings,)),
    Row("messages", TO, (s.messages,)),
    Row("subprotocols", TO, (s.offers,)),
    Row("bad handshakes", TO, (s.bad_handshakes,)),
    Row("no pages", TO, (s.no_files,)),
    Row("a dead target", "{port} 127.0.0.1:{dead}", (s.session,)),
    Row("an unknown target", "{port} no..such..host:5900", (s.session,)),
    Row("SIGTERM", TO, (s.stopped_with_a_session,)),
    Row("SIGINT", TO, (s.interrupted,)),
    Row("SIGHUP", TO, (s.hung_up,)),
    # --- addresses ---
    Row("no host", TO, (s.where_it_listens,)),
    Row("an empty host", ":" + TO, (s.where_it_listens,)),
    Row("all of IPv4", "0.0.0.0:" + TO, (s.where_it_listens,)),
    Row("one address", "127.0.0.1:" + TO, (s.where_it_listens,)),
    Row("IPv6 in brackets", "[::1]:" + TO, (s.where_it_listens, s.session_at_v6)),
    Row("IPv6 without brackets", "::1:" + TO, (s.where_it_listens,)),
    Row("-6", "-6 localhost:" + TO, (s.where_it_listens,)),
    Row("--prefer-ipv6, abbreviated", "--prefer localhost:" + TO, (s.where_it_listens,)),
    Row("a target in brackets", "{port} [::ffff:127.0.0.1]:{target}", (s.session,)),
    Row("IPv4 in brackets", "{port} [127.0.0.1]:{target}", (s.session,)),
    Row("a target without a host", "{port} :{target}", (s.session,)),
    Row("--unix-target", "--unix-target={unix} {port}", (s.session,)),
    # --- how flags are written ---
    Row("flags behind", TO + " --web {here}/web --heartbeat=1 -v", (s.session, s.pings, s.page)),
    Row("abbreviations", "--verb --heartb 1 --log {here}/logs/ws.log --pref " + TO, (s.pings,)),
    Row("empty values", "--cert= --key= --web= --record= " + TO, (s.session, s.no_files)),
    Row("letters in one word", "-v6 localhost:" + TO, (s.where_it_listens,)),
    Row("a flag twice", "--web /nonexistent --web {here}/web " + TO, (s.page,)),
    Row("-v", "-v " + TO, (s.session, s.said)),
    # --- time ---
    Row("--run-once", "--run-once --web={here}/web " + TO, (s.ends_after_its_session,)),
    Row("--timeout", "--timeout=1 " + TO, (s.ends_by_itself,)),
    Row("--timeout with a session", "--timeout 1 " + TO, (s.session_outlives_the_listener,)),
    Row("--timeout=0", "--timeout=0 --idle-timeout=0 " + TO, (s.session,)),
    Row("--idle-timeout", "--idle-timeout=1 " + TO, (s.ends_by_itself,)),
    Row("--heartbeat", "--heartbeat=1 " + TO, (s.session, s.pings)),
    Row("--heartbeat=0", "--heartbeat=0 " + TO, (s.no_pings,)),
    # --- TLS ---
    Row("--cert of both", "--cert={here}/both.pem " + TO, (s.session, s.session_over_tls)),
    Row("--cert and --key", "--cert {here}/cert.pem --key {here}/key.pem --web {here}/web " + TO,
        (s.session_over_tls, s.page_over_tls, s.page)),
    Row("--key-password", "--cert={here}/cert.pem --key={here}/locked.key --key-password=sesame " + TO,
        (s.session_over_tls,)),
    Row("self.pem is there", TO, (s.session, s.session_over_tls), cwd="selfsigned"),
    Row("self.pem is not there", TO, (s.session, s.session_over_tls)),
    Row("--cert names nothing", "--cert={here}/no-such.pem " + TO, (s.session, s.session_over_tls)),
    Row("--ssl-only", "--ssl-only --cert={here}/both.pem --web={here}/web " + TO,
        (s.session, s.session_over_tls, s.page, s.page_over_tls)),
    Row("--ssl-version=tlsv1_3", "--ssl-version=tlsv1_3 --cert={here}/both.pem " + TO, (s.tls_versions,)),
    Row("--ssl-version=tlsv1_2", "--ssl-version tlsv1_2 --cert={here}/both.pem " + TO, (s.tls_versions,)),
    Row("--ssl-version=default", "--ssl-version=default --cert={here}/both.pem " + TO, (s.tls_versions,)),
    Row("--ssl-ciphers", "--ssl-ciphers=ECDHE+AESGCM --cert={here}/both.pem " + TO, (s.session_over_tls,)),
    Row("--verify-client", "--verify-client --cafile={here}/ca.pem --cert={here}/both.pem " + TO,
        (s.client_certificates,)),
    Row("--ssl-target", "--ssl-target {port} 127.0.0.1:{tls}", (s.session,)),
    Row("--ssl-target, unverified", "--ssl-target {port} 127.0.0.1:{tls}", (s.upgrade,), ours="--ssl-target-insecure"),
    Row("--ssl-version=tlsv1_1", "--ssl-version=tlsv1_1 --cert={here}/both.pem " + TO, (s.tls_versions,)),
    Row("--ssl-ciphers of none", "--ssl-ciphers=NO-SUCH-CIPHER --cert={here}/both.pem " + TO, (s.session, s.session_over_tls)),
    Row("--cert is no certificate", "--cert={here}/web/vnc.html " + TO, (s.session, s.session_over_tls)),
    Row("--key names nothing", "--cert={here}/cert.pem --key={here}/no-such.pem " + TO, (s.session, s.session_over_tls)),
    Row("--key alone", "--key={here}/key.pem " + TO, (s.session,)),
    Row("--key-password is wrong", "--cert={here}/cert.pem --key={here}/locked.key --key-password=x " + TO,
        (s.session, s.session_over_tls)),
    Row("--verify-client without a certificate", "--verify-client " + TO, (s.session,)),
    Row("--cafile alone", "--cafile={here}/ca.pem --cert={here}/both.pem " + TO, (s.session_over_tls,)),
    # --- what can't start ---
    Row("a port in use", "127.0.0.1:{target} 127.0.0.1:{target}", ()),
    Row("an address of another machine", "192.0.2.1:" + TO, ()),
    Row("an unknown host to listen on", "no..such..host:" + TO, ()),
    Row("--web is not there", "--web={here}/no-such " + TO, ()),
    Row("--web is a file", "--web={here}/web/vnc.html " + TO, ()),
    Row("--record in no folder", "--record={here}/no-such/rec " + TO, (s.session,)),
    Row("--log-file in no folder", "--log-file={here}/no-such/ws.log " + TO, ()),
    # --- files ---
    Row("--web", "--web={here}/web " + TO, (s.files, s.session)),
    Row("--web, folders", "--web={here}/web " + TO, (s.listings,)),
    Row("--log-file", "--log-file={here}/logs/ws.log " + TO, (s.log_file, s.said)),
    # --- tokens ---
    Row("TokenFile", "--token-plugin TokenFile --token-source {here}/tokens/one {port}", (s.tokens,)),
    Row("TokenFile, a folder", "--token-plugin=TokenFile --token-source={here}/tokens {port}", (s.tokens,)),
    Row("ReadOnlyTokenFile", "--token-plugin=ReadOnlyTokenFile --token-source={here}/tokens/one {port}", (s.tokens,)),
    Row("TokenFile by its module",
        "--token-plugin=websockify.token_plugins.TokenFile --token-source={here}/tokens/one {port}", (s.tokens,)),
    Row("--target-config for TokenFile", "--target-config={here}/tokens/one {port}", (s.tokens,)),
    Row("--host-token", "--host-token --token-plugin=TokenFile --token-source={here}/tokens {port}",
        (s.token_in_host,)),
    Row("TokenFile that is not there", "--token-plugin=TokenFile --token-source={here}/no-such {port}", (s.token_at_last,)),
    Row("TokenFile before the port", "--web {here}/web/ --token-plugin TokenFile --token-source {here}/tokens 127.0.0.1:{port}",
        (s.tokens, s.page)),
    Row("JWTTokenApi", "--token-plugin JWTTokenApi --token-source {here}/jwt.key {port}", (s.signed_tokens,)),
    Row("JWTTokenApi of an RSA key", "--token-plugin JWTTokenApi --token-source {here}/issuer.pem {port}",
        (s.sealed_tokens,), ours="--allow-target=127.0.0.1"),
    Row("JWTTokenApi, this machine allowed", "--token-plugin JWTTokenApi --token-source {here}/jwt.key {port}",
        (s.signed_tokens,), ours="--allow-target=127.0.0.1"),
    Row("TokenFileName", "--token-plugin TokenFileName --token-source {here}/names {port}", (s.tokens,)),
    Row("BaseTokenAPI", "--token-plugin=BaseTokenAPI --token-source=http://127.0.0.1:{lookup}/base/{target}/%s {port}",
        (s.tokens_looked_up,), ours="--allow-target=127.0.0.1"),
    Row("JSONTokenApi", "--token-plugin JSONTokenApi --token-source http://127.0.0.1:{lookup}/json/{target}/%s {port}",
        (s.tokens_looked_up,), ours="--allow-target=127.0.0.1"),
    Row("TokenRedis", "--token-plugin TokenRedis --token-source 127.0.0.1:{redis} {port}", (s.tokens_in_redis,),
        ours="--allow-target=127.0.0.1"),
    Row("UnixDomainSocketDirectory", "--token-plugin UnixDomainSocketDirectory --token-source {sockets} {port}",
        (s.tokens_name_sockets,)),
    # --- who may connect ---
    Row("BasicHTTPAuth", "--auth-plugin=BasicHTTPAuth --auth-source=console:pass:word --web={here}/web " + TO,
        (s.credentials,)),
    Row("--web-auth", "--web-auth --auth-plugin BasicHTTPAuth --auth-source 'console:pass:word' --web {here}/web " + TO,
        (s.credentials,)),
    Row("BasicHTTPAuth by its module", "--web-auth --auth-plugin=websockify.auth_plugins.BasicHTTPAuth"
        " --auth-source=console:pass:word --web {here}/web " + TO, (s.credentials,)),
    Row("ExpectOrigin", "--auth-plugin ExpectOrigin --auth-source 'https://one.example https://two.example:8443' " + TO,
        (s.origins,)),
    Row("ClientCertCNAuth", "--auth-plugin=ClientCertCNAuth --auth-source='client other' --verify-client"
        " --cafile={here}/ca.pem --cert={here}/both.pem " + TO, (s.common_names,)),
    # --- the background ---
    Row("-D", "-D --log-file={here}/logs/ws.log " + TO, (s.in_the_background,)),
    Row("--daemon with pages", "--daemon --web={here}/web " + TO, (s.in_the_background,)),
    # --- a program as the target ---
    Row("-- PROGRAM", "{port} -- /usr/bin/python3 {here}/echo.py {port}", (s.program, s.page)),
    Row("-- PROGRAM, which ends", "{port} -- /bin/sh -c 'sleep 1; exit 7'", (s.ends_by_itself,)),
    Row("--wrap-mode=ignore", "--wrap-mode=ignore {port} -- /bin/true", (s.outlives_its_program, s.session),
        ours="--dial-timeout=1"),
    Row("--wrap-mode=respawn", "--wrap-mode=respawn {port} -- /usr/bin/python3 {here}/echo.py {port} once",
        (s.program, s.program)),
    # --- ways in ---
    Row("--inetd", "--inetd --web={here}/web 127.0.0.1:{target}", (s.session, s.page)),
    # --- logs, recordings ---
    Row("--record", "--record={here}/logs/rec " + TO, (s.recorded,)),
    Row("--traffic", "--traffic " + TO, (s.traffic,)),
    Row("--syslog", "--syslog=127.0.0.1:{udp} " + TO, (s.syslog, s.said)),
    Row("--syslog on a socket file", "--syslog {here}/log.sock " + TO, (s.syslog,)),
    Row("--legacy-syslog", "--legacy-syslog --syslog {here}/log.sock " + TO, (s.syslog,)),
    Row("--syslog of nobody", "--syslog {here}/no-such.sock " + TO, (s.session,)),
    Row("--syslog in the background", "-D --syslog {here}/log.sock " + TO, (s.syslog,)),
    # --- without a meaning ---
    Row("--libserver", "--libserver " + TO, (s.session,)),
]

# Wrong usage: nothing starts. {here} holds what it holds for the rows above.
USAGE = [
    "", "6080", "6080 localhost:5900 extra", "6080 localhost", "6080 localhost:", "6080 localhost:vnc", "vnc localhost:5900",
    "localhost: localhost:5900", "--bogus 6080 localhost:5900", "-z 6080 localhost:5900", "--we . 6080 localhost:5900", "-1 localhost:5900", "-vz 6080 localhost:5900",
    "--tok x 6080", "--ver 6080 localhost:5900", "--unix-t", "--web", "6080 localhost:5900 --heartbeat",
    "--ssl-only=1 6080 localhost:5900", "--daemon=yes 6080 localhost:5900", "--heartbeat=soon 6080 localhost:5900",
    "--heartbeat= 6080 localhost:5900", "--timeout 1h3 6080 localhost:5900", "--idle-timeout x 6080 localhost:5900",
    "--ssl-version=sslv3 6080 localhost:5900", "--ssl-version= 6080 localhost:5900", "--wrap-mode=never 6080 localhost:5900",
    "--token-source x 6080", "--token-source x 6080 localhost:5900", "--host-token 6080 localhost:5900",
    "--auth-source x 6080 localhost:5900", "--web-auth 6080 localhost:5900", "--web-auth --web . 6080 localhost:5900",
    "--auth-plugin BasicHTTPAuth --auth-source a:b --web-auth 6080 localhost:5900", "--legacy-syslog 6080 localhost:5900",
    "--ssl-only 6080 localhost:5900", "--ssl-only --cert no-such.pem 6080 localhost:5900", "--unix-target /x",
    "--unix-target /x 6080 localhost:5900", "--token-plugin TokenFile --token-source x", "6080 --",
    "--token-plugin TokenFile --token-source x 6080 localhost:5900", "--token-plugin=no_such.token.Token 6080", "--token-plugin=no_such 6080", "--auth-plugin=no_such.Auth 6080 localhost:5900",
    "--help", "-h", "--help --bogus", "--hel",
    "6080 localhost:5900 -h", "--bogus --help",
]
