"""A collector of traces: says where it listens, then a line of JSON for every message that is sent to it.

A line has `message`, the message as the official OpenTelemetry classes read it, and `bytes`, the same as it was written, in base64.
"""

import base64
import json
import sys
from concurrent import futures

import grpc
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    def Export(self, request, context):
        written = base64.b64encode(request.SerializeToString()).decode()
        print(json.dumps({"message": MessageToDict(request), "bytes": written}), flush=True)
        return trace_service_pb2.ExportTraceServiceResponse()


server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Collector(), server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(json.dumps({"port": port}), flush=True)
# Ends with whoever started it.
sys.stdin.read()
server.stop(grace=None)
