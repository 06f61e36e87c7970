"""A stranger's program: the API through a client generated from its OpenAPI document, nothing else.

Run with the server's address; `blog_client` is on the path. Ends with `done`, or with a traceback.
"""

import sys

from blog_client import Client
from blog_client.api.blog_v_1_blog_service import blog_v_1_blog_service_publish as publish
from blog_client.api.blog_v_1_entry import blog_v_1_entry_list as list_entries
from blog_client.api.blog_v_1_user import blog_v_1_user_create as create
from blog_client.api.blog_v_1_user import blog_v_1_user_delete as delete
from blog_client.api.blog_v_1_user import blog_v_1_user_get as get
from blog_client.api.blog_v_1_user import blog_v_1_user_list as list_users
from blog_client.api.blog_v_1_user import blog_v_1_user_update as update
from blog_client.models import (
    BlogV1Entry,
    BlogV1EntryInput,
    BlogV1EntryState,
    BlogV1PublishRequestInput,
    BlogV1User,
    BlogV1UserInput,
    Error,
)


def reason(answer) -> str:
    assert isinstance(answer.parsed, Error), answer
    return answer.parsed.error.details[0].reason


def main(address: str) -> None:
    client = Client(base_url=address)

    # Create, with a key: the repetition is the same answer.
    body = BlogV1UserInput(display_name="Ada", email="ada@example.com", daily_entry_limit=5)
    created = create.sync_detailed(client=client, body=body, user_id="ada", idempotency_key="k1")
    assert created.status_code == 201 and isinstance(created.parsed, BlogV1User), created
    assert created.parsed.name == "users/ada" and created.parsed.create_time.year >= 2026
    assert created.headers["Location"] == "/blog/v1/users/ada"
    again = create.sync_detailed(client=client, body=body, user_id="ada", idempotency_key="k1")
    assert again.status_code == 201 and again.headers["Idempotency-Replayed"] == "true", again

    # Get, and get again what has not changed.
    got = get.sync_detailed("ada", client=client)
    assert got.status_code == 200 and got.parsed.email == "ada@example.com", got
    same = get.sync_detailed("ada", client=client, if_none_match=got.headers["ETag"])
    assert same.status_code == 304, same

    # Update under a condition, and under one that no longer holds.
    stale = got.headers["ETag"]
    changed = update.sync_detailed(
        "ada", client=client, body=BlogV1User(display_name="Ada L."), if_match=stale
    )
    assert changed.status_code == 200 and changed.parsed.display_name == "Ada L.", changed
    assert changed.parsed.email == "ada@example.com", "what was not sent was touched"
    refused = update.sync_detailed("ada", client=client, body=BlogV1User(display_name="X"), if_match=stale)
    assert refused.status_code == 412 and reason(refused) == "IF_MATCH", refused

    # A command, and a list with a filter and an order, a page at a time.
    for title in ("one", "two", "three"):
        request = BlogV1PublishRequestInput(entry=BlogV1EntryInput(title=title, tags=["a"]))
        published = publish.sync_detailed("ada", client=client, body=request, idempotency_key=title)
        assert published.status_code == 200 and isinstance(published.parsed, BlogV1Entry), published
        assert published.parsed.state == BlogV1EntryState.PUBLISHED
    titles, token = [], ""
    while True:
        page = list_entries.sync(
            "ada", client=client, page_size=2, order_by="title desc", filter_="state = PUBLISHED", page_token=token
        )
        titles += [entry.title for entry in page.entries]
        token = page.next_page_token
        if not token:
            break
    assert titles == ["two", "three", "one"], titles
    assert get.sync("ada", client=client).entry_count == "3"
    assert [user.name for user in list_users.sync(client=client).users] == ["users/ada"]

    # Errors are of one form.
    assert reason(get.sync_detailed("nobody", client=client)) == "NOT_FOUND"
    taken = create.sync_detailed(client=client, body=body, user_id="ada")
    assert taken.status_code == 409 and reason(taken) in ("ALREADY_EXISTS", "UNIQUE_VIOLATION"), taken
    empty = create.sync_detailed(client=client, body=BlogV1UserInput(display_name=""))
    assert empty.status_code == 400 and reason(empty) == "REQUIRED", empty
    assert empty.parsed.error.details[1].field_violations[0].field == "displayName", empty

    # Delete.
    create.sync_detailed(client=client, body=BlogV1UserInput(display_name="Bob"), user_id="bob")
    deleted = delete.sync_detailed("bob", client=client)
    assert deleted.status_code == 200, deleted
    assert reason(get.sync_detailed("bob", client=client)) == "NOT_FOUND"
    print("done")


main(sys.argv[1])
