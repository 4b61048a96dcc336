"""S3: from method, path and query to actions.

After "Required permissions for Amazon S3 API operations" of the S3 user guide.
"""

from urllib.parse import parse_qs, unquote

from localcloud.aws.iam.call import Call
from localcloud.aws.iam.policy import Access

# What of the query chooses an operation, and the actions by method.
OBJECT_ACTIONS: dict[str, dict[str, str]] = {
    "uploadId": {
        "PUT": "PutObject",
        "POST": "PutObject",
        "DELETE": "AbortMultipartUpload",
        "GET": "ListMultipartUploadParts",
    },
    "uploads": {"POST": "PutObject"},
    "tagging": {
        "GET": "GetObjectTagging",
        "PUT": "PutObjectTagging",
        "DELETE": "DeleteObjectTagging",
    },
    "versionId": {
        "GET": "GetObjectVersion",
        "HEAD": "GetObjectVersion",
        "DELETE": "DeleteObjectVersion",
    },
    "": {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject"},
}
BUCKET_ACTIONS: dict[str, dict[str, str]] = {
    "uploads": {"GET": "ListBucketMultipartUploads"},
    "versions": {"GET": "ListBucketVersions"},
    "location": {"GET": "GetBucketLocation"},
    "": {"GET": "ListBucket", "HEAD": "ListBucket"},
}
# Parts of a query that say something about an operation and do not choose it.
INDIFFERENT = frozenset({"partNumber", "list-type", "prefix", "delimiter", "max-keys", "marker"})
INDIFFERENT |= {"continuation-token", "start-after", "encoding-type", "fetch-owner", "x-id"}
# Headers of a PUT that need an action of their own.
WITH_HEADER = {"HTTP_X_AMZ_TAGGING": "PutObjectTagging", "HTTP_X_AMZ_ACL": "PutObjectAcl"}


def accesses(call: Call) -> list[Access]:
    """What an S3 request needs; HEAD of an object is reading it."""
    method = str(call.environ["REQUEST_METHOD"])
    bucket, key = _path(call.environ["RAW_URI"].partition("?")[0])
    if not bucket:
        if method == "GET":
            return [call.access("ListAllMyBuckets", "*")]
        raise call.unmapped()
    query = parse_qs(call.environ["QUERY_STRING"], keep_blank_values=True)
    action = _chosen(OBJECT_ACTIONS if key else BUCKET_ACTIONS, method, set(query))
    if action is None:
        raise call.unmapped()
    if not key:
        context = {"s3:prefix": (query["prefix"][0],)} if "prefix" in query else {}
        return [call.access(action, _arn(bucket), context)]
    needed = [call.access(action, _arn(bucket, key))]
    if source := call.environ.get("HTTP_X_AMZ_COPY_SOURCE"):
        needed.append(call.access("GetObject", _arn(*_path(source.partition("?")[0]))))
    if action == "PutObject":
        needed += [call.access(WITH_HEADER[h], needed[0].resource) for h in _headers(call)]
    return needed


def listing(call: Call) -> Access:
    """Without this on the bucket, an object that is not there answers 403 instead of 404."""
    return call.access("ListBucket", _arn(_path(call.environ["RAW_URI"].partition("?")[0])[0]))


def _chosen(actions: dict[str, dict[str, str]], method: str, query: set[str]) -> str | None:
    signature = {name for name in query if name.lower().startswith("x-amz-")}
    response = {name for name in query if name.startswith("response-")}
    chosen = query - signature - response - INDIFFERENT
    if len(chosen) > 1:
        return None
    return actions.get(next(iter(chosen), ""), {}).get(method)


def _headers(call: Call) -> list[str]:
    return [name for name in WITH_HEADER if name in call.environ]


def _path(path: str) -> tuple[str, str]:
    """Bucket and key; local AWS gets buckets in the path only."""
    bucket, _, key = path.lstrip("/").partition("/")
    return unquote(bucket), unquote(key)


def _arn(bucket: str, key: str = "") -> str:
    return f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"
