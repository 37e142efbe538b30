"""Drives 'tieout mcp' with the Python client of the Model Context Protocol.

usage: mcp_client.py TIEOUT WORKSPACE SINCE UNTIL

It asks which controls have deviations between two days and why, follows the first
one, and tries what only a person may do. What came of it goes out as JSON.
"""
import asyncio
import json
import os
import sys

from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp.types import Implementation


async def call(session, name, **arguments):
    """The structured answer of a tool; what it is refused with, as {"refused": TEXT}."""
    try:
        got = await session.call_tool(name, arguments)
    except Exception as e:  # the protocol's own refusal, whichever class a version gives it
        return {"refused": str(e)}
    if got.is_error:
        return {"refused": " ".join(c.text for c in got.content)}
    return got.structured_content


async def main(tieout, workspace, since, until):
    server = StdioServerParameters(command=tieout, args=["mcp", "-w", workspace], env=dict(os.environ))
    async with stdio_client(server) as (read, write):
        async with ClientSession(read, write, client_info=Implementation(name="python-client", version="1")) as session:
            began = await session.initialize()
            tools = (await session.list_tools()).tools
            found = await call(session, "list_deviations", since=since, until=until)
            first = found["items"][0]["ref"]
            refused = {name: await call(session, name, control="IAM-02", deviation=first, text="operated")
                       for name in ("conclude", "sign_report", "approve_policy", "respond_deviation", "confirm_deviation", "erase_evidence")}
            json.dump({
                "server": began.server_info.name,
                "tools": [{"name": t.name, "readOnly": bool(t.annotations and t.annotations.read_only_hint)} for t in tools],
                "deviations": found,
                "shown": await call(session, "show_deviation", ref=first),
                "refused": refused,
            }, sys.stdout)


asyncio.run(main(*sys.argv[1:]))
