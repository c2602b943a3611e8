"""Delivery streams to each kind of destination that takes records, against peers that look closely at what they are
sent."""

import base64
import json
import threading
import time

from e2e_delivery import ARN, FUNCTION, delivery, put, processing, contents, error_lines
from e2e_peer import PostgreSql
from e2e_world import ROLE, Skip, check, destination, equal, wait_for


def read_firehose_request(request, access_key, attributes):
    """The records of a request to an HTTP endpoint, and its id; all else must be as AWS documents it."""
    identifier, body = request.headers["x-amz-firehose-request-id"], request.json()
    equal(request.headers["x-amz-firehose-protocol-version"], "1.0")
    equal(request.headers["x-amz-firehose-access-key"], access_key)
    equal(json.loads(request.headers["x-amz-firehose-common-attributes"]), {"commonAttributes": attributes})
    equal((request.headers["content-type"], request.headers["content-encoding"]), ("application/json", "gzip"))
    equal(sorted(body), ["records", "requestId", "timestamp"])
    equal(body["requestId"], identifier)
    assert abs(body["timestamp"] / 1000 - time.time()) < 600, body["timestamp"]
    assert all(list(record) == ["data"] for record in body["records"]), body["records"]
    return identifier, [base64.b64decode(record["data"], validate=True) for record in body["records"]]


@check
def an_http_endpoint_gets_each_record_and_a_request_that_fails_again(world):
    attributes = {"stage": "ci", "wörld": "ü"}
    requests, lock = [], threading.Lock()

    def receive(request):
        equal(request.headers["x-amz-firehose-source-arn"], ARN + "hooked")
        identifier, records = read_firehose_request(request, "a secret", attributes)
        with lock:
            requests.append((identifier, records))
            if len(requests) == 1:
                return 500, {"requestId": identifier, "timestamp": 1, "errorMessage": "not now"}
        return 200, {"requestId": identifier, "timestamp": int(time.time() * 1000)}

    with world.peer.serving("hooked", receive) as url:
        configuration = {
            "EndpointConfiguration": {"Url": url, "Name": "peer", "AccessKey": "a secret"},
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 1},
            "RequestConfiguration": {
                "ContentEncoding": "GZIP",
                "CommonAttributes": [{"AttributeName": n, "AttributeValue": v} for n, v in attributes.items()],
            },
            "RoleARN": ROLE,
            "RetryOptions": {"DurationInSeconds": 300},
            "S3BackupMode": "AllData",
            "S3Configuration": destination("hooked-backup/", "hooked-errors/!{firehose:error-output-type}/"),
        }
        with delivery(world, "hooked", HttpEndpointDestinationConfiguration=configuration):
            sent = [f"record {n}\n".encode() + bytes([n % 256]) * 100 for n in range(400)]
            put(world, "hooked", sent)
            taken = lambda: [record for _, records in requests[1:] for record in records]  # noqa: E731
            wait_for("the requests", lambda: len(taken()) >= len(sent))
            equal(taken(), sent)
            equal(requests[1], requests[0])
            identifiers = [identifier for identifier, _ in requests[1:]]
            equal(len(identifiers), len(set(identifiers)))
            everything = b"".join(sent)
            backup = lambda: b"".join(contents(world, "hooked-backup/").values())  # noqa: E731
            wait_for("the backup", lambda: len(backup()) >= len(everything))
            equal(backup(), everything)
            description = world.firehose.describe_delivery_stream(DeliveryStreamName="hooked")
            assert "a secret" not in str(description), "the access key is told"
    equal(world.s3.keys("hooked-errors/"), [])


@check
def what_an_http_endpoint_refuses_goes_to_the_error_prefix(world):
    def refuse(request):
        return 413, {"requestId": request.json()["requestId"], "timestamp": 1, "errorMessage": "too large"}

    with world.peer.serving("refusing", refuse) as url:
        configuration = {
            "EndpointConfiguration": {"Url": url, "Name": "peer"},
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 1},
            "RoleARN": ROLE,
            "RetryOptions": {"DurationInSeconds": 0},
            "S3Configuration": destination("refused-backup/", "refused/!{firehose:error-output-type}/"),
        }
        with delivery(world, "refusing", HttpEndpointDestinationConfiguration=configuration):
            put(world, "refusing", [b"one", b"two"])
            failed = error_lines(world, "refused", 2)
            equal([base64.b64decode(line["rawData"]) for line in failed], [b"one", b"two"])
            equal({line["errorCode"] for line in failed}, {"HttpEndpoint.DestinationException"})
            assert all(line["EventId"] for line in failed), failed
    keys = world.s3.keys("refused")
    assert all("http-endpoint-failed/" in key for key in keys), keys


@check
def a_request_and_what_a_function_made_are_the_same_after_a_crash(world):
    """The function answers each record once; the endpoint is down until Headwater was killed and started again."""
    called, requests, is_up = [], [], threading.Event()

    def transform(request):
        records = request.json()["records"]
        called.extend(base64.b64decode(record["data"]) for record in records)
        made = f"made in call {len(called)}\n".encode()
        answer = lambda record: base64.b64decode(record["data"]) + b" " + made  # noqa: E731
        encoded = lambda record: base64.b64encode(answer(record)).decode()  # noqa: E731
        results = [{"recordId": each["recordId"], "result": "Ok", "data": encoded(each)} for each in records]
        return 200, {"records": results}

    def receive(request):
        body = request.json()
        requests.append((body["requestId"], [base64.b64decode(record["data"]) for record in body["records"]]))
        return (200 if is_up.is_set() else 503), {"requestId": body["requestId"], "timestamp": 1}

    with world.peer.serving("once", transform), world.peer.serving("down", receive) as url:
        configuration = {
            "EndpointConfiguration": {"Url": url, "Name": "peer"},
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 1},
            "ProcessingConfiguration": processing(("Lambda", {"LambdaArn": FUNCTION, "NumberOfRetries": "0"})),
            "RoleARN": ROLE,
            "RetryOptions": {"DurationInSeconds": 300},
            "S3Configuration": destination("crashed/", "crashed-errors/"),
        }
        with delivery(world, "crashed", HttpEndpointDestinationConfiguration=configuration):
            sent = [f"record {n}".encode() for n in range(100)]
            put(world, "crashed", sent)
            wait_for("a request", lambda: requests)
            world.headwater.kill()
            before, taken = requests[0], len(requests)
            world.headwater.start()
            is_up.set()
            wait_for("the request again", lambda: len(requests) > taken)
            equal(requests[-1], before)
            put(world, "crashed", [b"the next"])
            wait_for("the next request", lambda: requests[-1] != before)
            equal([record.split(b" made")[0] for record in requests[-1][1]], [b"the next"])
            equal(called, [*sent, b"the next"])
    equal(world.s3.keys("crashed-errors/"), [])


@check
def postgresql_has_each_row_once_and_the_rest_is_an_error(world):
    if not PostgreSql.programs:
        raise Skip("PostgreSQL is not installed")
    with PostgreSql() as server:
        server.run("CREATE TABLE clicks (n bigint PRIMARY KEY, path text, at timestamptz DEFAULT now())")
        configuration = {
            "RoleARN": ROLE,
            "ClusterJDBCURL": f"jdbc:postgresql://127.0.0.1:{server.port}/postgres",
            "CopyCommand": {"DataTableName": "clicks", "DataTableColumns": "n,path", "CopyOptions": "json 'auto'"},
            "Username": server.USER,
            "Password": server.PASSWORD,
            "RetryOptions": {"DurationInSeconds": 300},
            "S3Configuration": destination("loads/", "loads-errors/!{firehose:error-output-type}/"),
        }
        with delivery(world, "loads", RedshiftDestinationConfiguration=configuration):
            records = [{"n": n, "path": f"/{n}|ü"} for n in range(500)]
            put(world, "loads", records[:250] + [{"n": "no number", "path": "/"}] + records[250:-1])
            put(world, "loads", records[-1:])
            count = lambda: int(server.rows("SELECT count(*) FROM clicks")[0][0])  # noqa: E731
            wait_for("500 rows", lambda: count() >= 500)
            failed = error_lines(world, "loads-errors/redshift-failed/", 1)
            equal([json.loads(base64.b64decode(line["rawData"]))["n"] for line in failed], ["no number"])
            # A server killed and started again does not load what is loaded.
            world.headwater.kill()
            world.headwater.start()
            put(world, "loads", [{"n": 500, "path": "/500|ü"}])
            wait_for("another row", lambda: count() >= 501)
            rows = server.rows("SELECT n, replace(path, '|', ' '), at IS NULL FROM clicks ORDER BY n")
            equal(rows, [[str(n), f"/{n} ü", "f"] for n in range(501)])
            equal(len(world.s3.keys("loads-errors/redshift-failed/")), 1)
            described = world.firehose.describe_delivery_stream(DeliveryStreamName="loads")
            assert server.PASSWORD not in str(described), "the password is told"


@check
def opensearch_has_one_document_a_record(world):
    documents, requests, lock = {}, [], threading.Lock()

    def bulk(request):
        equal((request.path, request.headers["content-type"]), ("/search/_bulk", "application/x-ndjson"))
        lines = request.body.split(b"\n")
        equal(lines.pop(), b"")
        with lock:
            requests.append(len(lines))
            items = [index(json.loads(action), json.loads(source)) for action, source in zip(lines[::2], lines[1::2])]
            # The first answer is lost after all was indexed.
            if len(requests) == 1:
                return 503, {"error": "unavailable"}
        return 200, {"took": 1, "errors": any(item["index"]["status"] >= 300 for item in items), "items": items}

    def index(action, source):
        [(operation, meta)] = action.items()
        equal(operation, "index")
        if source["n"] == 13:
            error = {"type": "mapper_parsing_exception", "reason": "unlucky"}
            return {"index": {**meta, "status": 400, "error": error}}
        documents[meta["_index"], meta["_id"]] = source
        return {"index": {**meta, "status": 201, "result": "created"}}

    with world.peer.serving("search", bulk) as url:
        configuration = {
            "RoleARN": ROLE,
            "ClusterEndpoint": url,
            "IndexName": "clicks",
            "IndexRotationPeriod": "OneDay",
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 1},
            "RetryOptions": {"DurationInSeconds": 300},
            "S3BackupMode": "FailedDocumentsOnly",
            "S3Configuration": destination("search-backup/", "search-errors/!{firehose:error-output-type}/"),
            "DocumentIdOptions": {"DefaultDocumentIdFormat": "FIREHOSE_DEFAULT"},
        }
        with delivery(world, "search", AmazonopensearchserviceDestinationConfiguration=configuration):
            before = time.strftime("clicks-%Y-%m-%d", time.gmtime())
            put(world, "search", [{"n": n} for n in range(200)] + [b"no object"])
            wait_for("the documents", lambda: len(requests) > 1 and len(documents) >= 199)
            failed = error_lines(world, "search-errors/AmazonOpenSearchService_failed/", 2)
            equal(sorted(source["n"] for source in documents.values()), [n for n in range(200) if n != 13])
            after = time.strftime("clicks-%Y-%m-%d", time.gmtime())
            assert {name for name, _ in documents} <= {before, after}, documents
            equal(sorted(base64.b64decode(line["rawData"]) for line in failed), [b"no object", b'{"n": 13}'])
            assert all(line["esIndexName"] and line["errorCode"] == "400" for line in failed), failed
            unlucky = [line["errorMessage"] for line in failed if b"13" in base64.b64decode(line["rawData"])]
            assert "unlucky" in unlucky[0], unlucky


@check
def splunk_has_what_it_acknowledged(world):
    taken, polls, lock = [], [], threading.Lock()

    def collect(request):
        equal(request.headers["authorization"], "Splunk 11111111-2222-3333-4444-555555555555")
        equal(request.query["channel"], [request.headers["x-splunk-request-channel"]])
        with lock:
            if request.path == "/splunk/services/collector/ack":
                polls.append(request.json()["acks"])
                # Not the first time.
                return 200, {"acks": {str(number): len(polls) > 1 for number in polls[-1]}}
            equal(request.path, "/splunk/services/collector/raw")
            taken.append(request.body)
            return 200, {"text": "Success", "code": 0, "ackId": len(taken)}

    with world.peer.serving("splunk", collect) as url:
        configuration = {
            "HECEndpoint": url,
            "HECEndpointType": "Raw",
            "HECToken": "11111111-2222-3333-4444-555555555555",
            "HECAcknowledgmentTimeoutInSeconds": 180,
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 1},
            "S3BackupMode": "FailedEventsOnly",
            "S3Configuration": destination("splunk-backup/", "splunk-errors/!{firehose:error-output-type}/"),
        }
        with delivery(world, "splunk", SplunkDestinationConfiguration=configuration):
            put(world, "splunk", [f"event {n}".encode() for n in range(200)])
            lines = lambda: b"".join(taken).splitlines()  # noqa: E731
            wait_for("the events", lambda: len(lines()) >= 200)
            equal(lines(), [f"event {n}".encode() for n in range(200)])
            wait_for("the acknowledgements", lambda: len(polls) > 1)
    equal(world.s3.keys("splunk-errors/"), [])


@check
def no_delivery_stream_is_left(world):
    equal(world.firehose.list_delivery_streams()["DeliveryStreamNames"], [])
