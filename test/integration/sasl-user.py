"""Makes a user for a server that uses SASL, as saslpasswd2 does. Arguments: the directory of its configuration, user, password."""

import ctypes
import os
import sys

directory, user, password = sys.argv[1:]
os.environ["SASL_CONF_PATH"] = directory
sasl = ctypes.CDLL("libsasl2.so.2")
connection = ctypes.c_void_p()
create = 1


def check(result, what):
    if result < 0:
        sasl.sasl_errstring.restype = ctypes.c_char_p
        sys.exit(f"{what}: {sasl.sasl_errstring(result, None, None).decode()} ({result})")


check(sasl.sasl_server_init(None, b"libvirt"), "sasl_server_init")
check(sasl.sasl_server_new(b"libvirt", None, None, None, None, None, 0, ctypes.byref(connection)), "sasl_server_new")
secret = password.encode()
check(sasl.sasl_setpass(connection, user.encode(), secret, len(secret), None, 0, create), "sasl_setpass")
