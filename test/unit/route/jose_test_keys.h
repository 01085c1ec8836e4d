/* Keys of many kinds, made with openssl for these tests and used for nothing else. */
#ifndef TEST_UNIT_ROUTE_JOSE_TEST_KEYS_H
#define TEST_UNIT_ROUTE_JOSE_TEST_KEYS_H

static const char p256_private[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgt9wrmu7IC73uTEGE\n"
    "lMZKzhHES+XqjbM7RCctnK7K6UWhRANCAAQmXsLfLJQH8eIY+nWIr5xgQYjGnZW9\n"
    "u1s8cjWh3KHRwr53HabNWNTHCZQmOyY4Kzrry3hfF7g22ARK2Hu5Hlno\n"
    "-----END PRIVATE KEY-----\n";

static const char p256_sec1[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEILfcK5ruyAu97kxBhJTGSs4RxEvl6o2zO0QnLZyuyulFoAoGCCqGSM49\n"
    "AwEHoUQDQgAEJl7C3yyUB/HiGPp1iK+cYEGIxp2VvbtbPHI1odyh0cK+dx2mzVjU\n"
    "xwmUJjsmOCs668t4Xxe4NtgESth7uR5Z6A==\n"
    "-----END EC PRIVATE KEY-----\n";

static const char p256_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEJl7C3yyUB/HiGPp1iK+cYEGIxp2V\n"
    "vbtbPHI1odyh0cK+dx2mzVjUxwmUJjsmOCs668t4Xxe4NtgESth7uR5Z6A==\n"
    "-----END PUBLIC KEY-----\n";

static const char p256_certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBeDCCAR+gAwIBAgIUYAlo3wnv/GRyrbEIpXToVW85FwwwCgYIKoZIzj0EAwIw\n"
    "ETEPMA0GA1UEAwwGdG9rZW5zMCAXDTI2MTEyMTE5NTIxN1oYDzIxMjYxMDI4MTk1\n"
    "MjE3WjARMQ8wDQYDVQQDDAZ0b2tlbnMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n"
    "AAQmXsLfLJQH8eIY+nWIr5xgQYjGnZW9u1s8cjWh3KHRwr53HabNWNTHCZQmOyY4\n"
    "Kzrry3hfF7g22ARK2Hu5Hlnoo1MwUTAdBgNVHQ4EFgQUA62O9zIr+F2Q4ixRjiDK\n"
    "So1iQxIwHwYDVR0jBBgwFoAUA62O9zIr+F2Q4ixRjiDKSo1iQxIwDwYDVR0TAQH/\n"
    "BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiAWxX5oZBn99wiCXmas/XnNjEPkVY1J\n"
    "mgjibxShl+kSUAIgUWZTVxY3YZyUKSh8pn0CichL03k3ToOdyQfMYMG83OY=\n"
    "-----END CERTIFICATE-----\n";

static const char p256_encrypted[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAj2a6R7rMFTtQICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEDKqjEBZlfbjYmD59bTDKW0EgZBJ\n"
    "vKrOmguOVqBWvhiQSOdFvZcbc5jDu/vx7K0dkdkW/D7ZFTrMKY5vBk73FapUoP2l\n"
    "J8mlrTIl9XcJypKrKQniIfG79MRrFIxHwn8fykFSAAthbrK+J0y0yMUCtwFQKJEM\n"
    "HhXkxHHVwDE8Qqu0IQWVknL9IfwaaYYFGFGTf2r1WsBNG4Syhq9JvA2arhnFaLs=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

static const char p384_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAExwXfUPvdPWL3STdr/yK6DXg7GjYrmLdH\n"
    "5mRhWI/1TNB5gNtbApCQEpc8ysyeZeR2uT/iHvFo/52Lm2MEXoti+/4KsQlN09wQ\n"
    "/sEJ5M2I4ubOB5kaUVtZB1f09TdvZo/3\n"
    "-----END PUBLIC KEY-----\n";

static const char k1_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEksQGZVtyzXUD8FY3CXvepp7AG5hQhgha\n"
    "WoBXs87FhOg1+o4sBwcADz9RfNJxYHspspdCAsTaNwA461qc3JkD4w==\n"
    "-----END PUBLIC KEY-----\n";

static const char ed25519_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEAjOtqFMClvBfquBDf1HbUChR5bGgxyTZU8LbdQjBPxhg=\n"
    "-----END PUBLIC KEY-----\n";

static const char rsa1024_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDo3Ita0R4vQDx7MDE5dNbafw9A\n"
    "o99I6dfH3+65qK/6wg75gMlo19ikVoV7MCqvPtyeF5yV3dbVReXV20hkdSRySqJD\n"
    "ImuML26Mjei8odDtlMm6BFD/YmW6qSLGyMtLZAkDI680Nx6X0hPJrdwh/OrQosLE\n"
    "KirIlEuIFWB5opzLMQIDAQAB\n"
    "-----END PUBLIC KEY-----\n";

#endif
