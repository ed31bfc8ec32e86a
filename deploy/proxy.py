"""The proxy of the small hub: configurable-http-proxy in Python, with room and time for a class.

Left alone it asks the servers behind it at most ten things at once and gives each twenty seconds, fewer than a browser that
waits for its server to start needs. It hands an answer on when it has the whole of it.
"""
from configurable_http_proxy.cli import main
from tornado.httpclient import AsyncHTTPClient

AsyncHTTPClient.configure(None, max_clients=1000, defaults={"connect_timeout": 600, "request_timeout": 600})
main()
