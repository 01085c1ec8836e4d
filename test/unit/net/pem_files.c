/* The files that tests of TLS read (pem_files.h). Names say what they are; *.key fits the *.pem of the same
 * name, and "chain" is leaf and intermediate under ca.pem.
 */
#include "pem_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char folder[64];

/* In pieces: ISO C ends string literals at 4095 bytes. */
static const char *const script[] = {
    "set -e\n"
    "exec 2>openssl.log </dev/null\n"
    "key_rsa() { openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out $1.key; }\n"
    "key_ec() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:${2:-P-256} -out $1.key; }\n"
    "self() { n=$1; shift; openssl req -x509 -new -key $n.key -out $n.pem -days 30 -subj /CN=localhost "
    "  -addext subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1 \"$@\"; }\n"
    /* name, subject, issuer, extensions */
    "signed() { openssl req -new -key $1.key -subj \"$2\" -out $1.csr; printf \"$4\" > ext; "
    "  openssl x509 -req -in $1.csr -CA $3.pem -CAkey $3.key -CAcreateserial -days 30 -out $1.pem -extfile "
    "ext; }\n"
    /* Dates other than from now on: only "openssl ca" takes them. */
    "printf '[ca]\\ndefault_ca=d\\n[d]\\nnew_certs_dir=.\\ndatabase=index\\nserial=ser\\ndefault_md=sha256\\n"
    "policy=p\\nunique_subject=no\\n[p]\\ncommonName=supplied\\n' > ca.cnf\n"
    "dated() { : > index; echo 01 > ser; cp ec.key $1.key; "
    "  openssl req -new -key ec.key -subj /CN=$1 -out $1.csr; openssl ca -batch -notext -config ca.cnf "
    "-selfsign "
    "  -keyfile ec.key -in $1.csr -startdate $2 -enddate $3 -out $1.pem; }\n",
    "key_rsa rsa; self rsa; key_ec ec; self ec; key_ec p384 P-384; self p384\n"
    "openssl genpkey -algorithm ed25519 -out ed25519.key; self ed25519\n"
    "key_ec ca; openssl req -x509 -new -key ca.key -out ca.pem -days 30 -subj /CN=ca\n"
    "key_ec other-ca; openssl req -x509 -new -key other-ca.key -out other-ca.pem -days 30 -subj "
    "/CN=other-ca\n"
    "key_ec inter; signed inter /CN=inter ca 'basicConstraints=critical,CA:true\\n'\n"
    "key_ec leaf; signed leaf /CN=leaf inter 'subjectAltName=DNS:leaf.test,DNS:localhost\\n'\n"
    "key_ec client; signed client /CN=client ca 'extendedKeyUsage=clientAuth\\n'\n"
    "key_ec stranger; signed stranger /CN=stranger other-ca 'extendedKeyUsage=clientAuth\\n'\n"
    "key_ec nameless; signed nameless / ca 'subjectAltName=critical,DNS:only-san.test\\n'\n"
    "key_ec cipher-only; signed cipher-only /CN=x ca 'keyUsage=keyEncipherment\\n'\n"
    "key_ec ed-signed; signed ed-signed /CN=x ed25519 'subjectAltName=DNS:x\\n'\n"
    "dated expired 20200101000000Z 20200201000000Z\n"
    "dated future 20480101000000Z 20480201000000Z\n"
    "openssl req -x509 -new -key ec.key -out soon.pem -days 3 -subj /CN=soon\n",
    "cat leaf.pem inter.pem > chain.pem; cat leaf.pem ca.pem inter.pem > disorder.pem\n"
    "cat inter.pem leaf.pem > leaf-last.pem\n"
    "cat ec.pem ec.key > both.pem; cat ec.key ec.pem > key-first.pem\n"
    "{ echo 'subject: whatever'; cat ec.pem; echo '# comment'; echo; cat ca.pem; echo end; } > garbage.pem\n"
    "{ printf '\\357\\273\\277'; cat ec.pem; } > bom.pem\n"
    "sed 's/$/\\r/' ec.pem > crlf.pem; sed 's/$/\\r/' ec.key > crlf.key\n"
    "sed 's/$/\\r/' both.pem > crlf-both.pem\n"
    "openssl rsa -in rsa.key -traditional -out rsa-traditional.key\n"
    "openssl ec -in ec.key -out ec-traditional.key\n"
    "openssl ecparam -name prime256v1 -genkey -out ec-param.key; openssl ecparam -name prime256v1 -out "
    "param.key\n"
    "openssl rsa -in rsa.key -traditional -aes256 -passout pass:secret -out rsa-traditional-aes.key\n"
    "openssl ec -in ec.key -aes128 -passout pass:secret -out ec-traditional-aes.key\n"
    "sed 's/$/\\r/' ec-traditional-aes.key > ec-traditional-aes-crlf.key\n"
    "openssl pkcs8 -topk8 -v2 aes-256-cbc -in rsa.key -passout pass:secret -out rsa-pkcs8-aes.key\n"
    "openssl pkcs8 -topk8 -v2 des3 -v2prf hmacWithSHA1 -in ec.key -passout pass:secret -out "
    "ec-pkcs8-3des.key\n"
    "openssl pkcs8 -topk8 -scrypt -in ec.key -passout pass:secret -out ec-pkcs8-scrypt.key\n"
    "{ cat ec.pem; cat ec-traditional-aes.key; } > both-aes.pem\n"
    "openssl pkey -in ec.key -pubout -out public.pem; openssl x509 -in ec.pem -outform DER -out ec.der\n"
    "openssl pkcs12 -export -in ec.pem -inkey ec.key -passout pass: -out ec.p12\n"
    "openssl crl2pkcs7 -nocrl -certfile ec.pem -out ec.p7b; openssl x509 -in ec.pem -trustout -out "
    "trusted.pem\n"
    "sed 's/PRIVATE KEY/OPENSSH PRIVATE KEY/' ec.key > openssh.key\n"
    "openssl req -new -key ec.key -subj /CN=x -out request.pem\n"
    "head -c 300 ec.pem > cut.pem; { cat ec.pem; head -c 300 ca.pem; } > half-cut.pem; head -c 100 ec.key > "
    "cut.key\n"
    "sed '3s/..../!!!!/' ec.pem > damaged.pem; sed '2s/....../MIGHAg/' rsa.key > damaged.key\n"
    "{ cat ec.pem; sed '3s/..../!!!!/' ca.pem; } > half-damaged.pem\n"
    "{ cat ca.pem ed25519.pem; } > authorities.pem\n"
    "mkdir cas empty-dir; cp ca.pem other-ca.pem cas; echo hello > cas/README; mkdir no-cas; echo x > "
    "no-cas/x\n"
    ": > empty.pem; echo 'hello, world' > text.pem; iconv -f ascii -t utf16 ec.pem > utf16.pem\n"
    "{ printf -- '-----BEGIN PGP MESSAGE-----\\nAAAA\\n-----END PGP MESSAGE-----\\n'; } > pgp.pem\n"
    "head -c 5000000 /dev/zero > huge.pem; cp ec.key unreadable.key; chmod 0 unreadable.key\n"};

void pem_files_shell(const char *command) {
  char line[1024];
  int len = snprintf(line, sizeof line, "cd %s || exit 1\n%s", folder, command);
  assert_true(len > 0 && (size_t)len < sizeof line);
  if (system(line) == 0) return;
  (void)snprintf(line, sizeof line, "tail -n 5 %s/openssl.log >&2", folder);
  (void)!system(line);
  fail_msg("the shell failed; openssl's words are above, the files in %s", folder);
}

int pem_files_make(void **state) {
  (void)state;
  strcpy(folder, "/tmp/wsluice-pem-XXXXXX");
  assert_non_null(mkdtemp(folder));
  assert_int_equal(chmod(folder, 0755), 0); /* also for the user that a test becomes */
  char path[96];
  (void)snprintf(path, sizeof path, "%s/make.sh", folder);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  for (size_t i = 0; i < sizeof script / sizeof script[0]; i++)
    assert_true(fputs(script[i], file) >= 0);
  assert_int_equal(fclose(file), 0);
  pem_files_shell("sh make.sh");
  return 0;
}

int pem_files_remove(void **state) {
  (void)state;
  char line[128];
  (void)snprintf(line, sizeof line, "rm -rf %s", folder);
  assert_int_equal(system(line), 0);
  return 0;
}

const char *pem_file(const char *name) {
  static char paths[6][256];
  static unsigned next;
  if (name == NULL) return NULL;
  char *path = paths[next++ % 6];
  (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}
