"""What schemathesis has to be told: OCSP requests travel as bytes."""

import schemathesis


@schemathesis.serializer("application/ocsp-request")
def octets(context, value):
    return value
