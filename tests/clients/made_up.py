"""Makes most made-up requests get past their parameters.

A made-up token, filter or mask is almost never a right one, and a request that is refused for it says
nothing about what lies behind. One in four keeps them, so that the refusals are tried too.
"""

import schemathesis


def thin(values, names):
    if not values:
        return values
    return {
        name: value
        for name, value in values.items()
        if name not in names or len(str(value)) % 4 == 0
    }


@schemathesis.hook
def map_headers(context, headers):
    return thin(headers, {"Trine-Consistency-Token", "If-Match", "If-None-Match", "Idempotency-Key"})


@schemathesis.hook
def map_query(context, query):
    return thin(query, {"filter", "orderBy", "updateMask", "readMask", "pageToken", "etag", "names", "parent"})
