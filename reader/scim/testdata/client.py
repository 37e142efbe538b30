"""Talks to a SCIM server as a directory does; prints what came of it as JSON.

Arguments: base address, API token.
"""
import json
import sys

import httpx2
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import Group, PatchOp, PatchOperation, SearchRequest, User
from scim2_tester import check_server

base, token = sys.argv[1:]
http = httpx2.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=30)

checks = [
    {"Title": r.title, "Status": r.status.name, "Reason": str(r.reason)}
    for r in check_server(SyncSCIMClient(http))
]

client = SyncSCIMClient(http)
client.discover()
life = []

ana = client.create(User(
    user_name="ana@halyard.example",
    name=User.Name(given_name="Ana", family_name="Moss"),
    display_name="Ana Moss",
    emails=[User.Emails(value="ana@halyard.example")],
    active=True,
))
life.append("created " + ("active" if ana.active else "not active"))

ana.display_name = "Ana Vale"
ana.name.family_name = "Vale"
ana = client.replace(ana)
life.append("renamed to " + ana.display_name)

group = client.create(Group(display_name="sec-leads"))
client.modify(Group, group.id, PatchOp[Group](operations=[
    PatchOperation(op=PatchOperation.Op.add, path="members", value=[{"value": ana.id}]),
]))
ana = client.query(User, ana.id)
life.append("in " + ana.groups[0].display)

ana = client.modify(User, ana.id, PatchOp[User](operations=[
    PatchOperation(op=PatchOperation.Op.replace_, path="active", value=False),
]))
life.append("suspended" if ana.active is False else "still active")

found = client.query(User, query_parameters=SearchRequest(filter='userName eq "ANA@halyard.example" and active eq false'))
life.append(f"found by filter: {found.total_results}")

client.delete(User, ana.id)
gone = http.get(f"/Users/{ana.id}").status_code == 404
life.append("gone" if gone else "still there")

print(json.dumps({"Checks": checks, "Life": life}))
