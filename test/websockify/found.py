"""Command lines as they are found in public unit files, Dockerfiles, supervisors, scripts and programs: each means the
same to both programs. Ports and paths are the run's own (rows.py), all else stands as it was found.
"""

import scenes as s
from rows import Row

SERVES = (s.session,)
SERVES_PAGES = (s.session, s.page)

FOUND = [
    Row("unit: a sign's desktop", "--web={here}/web 0.0.0.0:{port} 127.0.0.1:{target}", SERVES_PAGES),
    Row("unit: this machine only", "--web {here}/web 127.0.0.1:{port} 127.0.0.1:{target}", SERVES_PAGES),
    Row("unit: TLS, heartbeat and a time limit",
        "--web={here}/web/ --cert={here}/cert.pem --key={here}/key.pem --heartbeat=30 --timeout=300"
        " {port} localhost:{target}", (s.session_over_tls, s.page_over_tls, s.session)),
    Row("unit: SSH behind it", "--heartbeat=30 127.0.0.1:{port} 127.0.0.1:{target}", SERVES),
    Row("unit: a database behind it", "--log-file={here}/logs/ws.log 127.0.0.1:{port} 127.0.0.1:{target}", (s.log_file,)),
    Row("unit: a oneshot of the tutorials", "-D --web={here}/web/ --cert={here}/both.pem {port} localhost:{target}",
        (s.in_the_background,)),
    Row("Dockerfile: two words", "{port} localhost:{target}", SERVES),
    Row("Dockerfile: everything joined", "--web={here}/web --heartbeat=30 0.0.0.0:{port} localhost:{target}", SERVES_PAGES),
    Row("Dockerfile: a colon alone", "-v --web={here}/web :{port} localhost:{target}", SERVES_PAGES),
    Row("compose: a terminal of Weston", "--web {here}/web --cert {here}/cert.pem --key {here}/key.pem {port}"
        " localhost:{target}", (s.session_over_tls, s.page)),
    Row("supervisor: a target that is any address", "--wrap-mode=respawn -v 0.0.0.0:{port}  0.0.0.0:{target}", SERVES),
    Row("program: a wrap mode without a program", "--wrap-mode=ignore 0.0.0.0:{port} localhost:{target}", SERVES),
    Row("supervisor: a Unix socket", "--unix-target={unix} --web={here}/web 127.0.0.1:{port}", SERVES_PAGES),
    Row("script: pages of the working directory", "-v --web . 0.0.0.0:{port} localhost:{target}", SERVES_PAGES, cwd="web"),
    Row("script: relative paths", "-D --web=./web/ --cert=./both.pem 0.0.0.0:{port} localhost:{target}",
        (s.in_the_background, s.said)),
    Row("script: for a meeting", "-D --ssl-only --cert {here}/cert.pem --key {here}/key.pem {port} localhost:{target}",
        (s.session_over_tls,)),
    Row("script: for one desktop", "--run-once --web={here}/web {port} 127.0.0.1:{target}", (s.ends_after_its_session,)),
    Row("program: for one client, in the background", "--run-once -D --timeout 30 --idle-timeout 30 {port} localhost:{target}",
        (s.session,)),
    Row("program: consoles of a cloud", "127.0.0.1:{port} -D --target-config={here}/tokens --idle-timeout=600",
        (s.token_at_last,)),
    Row("program: a password", "--auth-plugin BasicHTTPAuth --auth-source console:pass:word --heartbeat 30 --web {here}/web"
        " {port} 127.0.0.1:{target}", (s.credentials,)),
    Row("launcher: all that it passes on", "--ssl-only --web {here}/web/ --cert {here}/cert.pem --key {here}/key.pem {port}"
        " localhost:{target} --heartbeat 30 --idle-timeout 3600 --timeout 86400", (s.session_over_tls, s.page_over_tls)),
    Row("unit: activated by a socket", "--inetd --web={here}/web --unix-target={unix}", SERVES_PAGES),
    Row("notebook: a desktop on a Unix socket, started along",
        "-v --web {here}/web --heartbeat 30 {port} --unix-target {unix} -- /bin/sh -c 'cd / && exec sleep 60'", SERVES_PAGES),
]
