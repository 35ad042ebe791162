"""Walking over a list, page by page."""


def ids(response):
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


def responses(get, url, direction="next"):
    """Each page from *url* on, while there are any; a walk without an end fails."""
    for _ in range(100):
        response = get(url)
        yield response
        url = response.json()[direction]
        if url is None:
            return
    raise AssertionError("The walk does not end.")


def walk(api, url, direction="next"):
    """The pages from *url* on, each as the ids on it."""
    return [ids(response) for response in responses(api.get, url, direction)]


def flat(pages):
    return [key for page in pages for key in page]


def assert_refused(response, parameter):
    assert response.status_code == 400, response.content
    assert [error["pointer"] for error in response.json()["errors"]] == [f"?{parameter}"]
