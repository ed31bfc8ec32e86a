"""Run in each kernel before a chapter's first cell: what would reach another machine is refused, but for the loader's download.

The page is the same on a machine without a network, and nobody who runs a chapter is called anywhere. A program that a
chapter starts is not watched.
"""


def refuse_the_network():
    import re
    import sys

    local = re.compile(r"localhost|127(\.\d+){3}|::1")        # and not localhost.example.org

    def guard(event, args):
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            host = args[1][0] if isinstance(args[1], tuple) else "localhost"        # a socket of this machine has a path
        elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
            host = args[0] or "localhost"
        elif event == "socket.getnameinfo":
            host = args[0][0]
        else:
            return
        host = host.decode() if isinstance(host, bytes) else str(host)
        frame = sys._getframe(1)
        while frame is not None:
            code = frame.f_code
            if code.co_name == "_download" and code.co_filename.replace("\\", "/").endswith("d2l_utils/datasets/text.py"):
                return
            frame = frame.f_back
        if not local.fullmatch(host):
            raise RuntimeError(f"A chapter may not use the network, and this one asked for {host}. "
                               "What it needs comes from data/, or from d2l_utils.datasets, which checks what it loads.")

    sys.addaudithook(guard)


refuse_the_network()
del refuse_the_network
