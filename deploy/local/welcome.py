"""What `python3 dev.py up` prints once all is ready; with `--sample` it loads the sample first."""

import argparse
import json
from collections.abc import Mapping
from typing import Any

from deploy.local.data_folder import SERVICES, DataFolder, add_data_option

MEMBER = "mette@example.org"
MEMBER_OF = "novonesis"

EVERYWHERE = """
Videnbro is up. Ctrl-C stops it; what it knows stays in {data}

{addresses}
  mail      {data}/mail (every mail as a file; SMTP on 127.0.0.1:{smtp_port}); python3 dev.py mail lists them
  token     python3 dev.py token --role organiser --org ID --email ADDRESS
"""

SAMPLE = """
The sample: {count} organisations and "{title}"
Tokens for eight hours, an organiser of the event and a member of Novonesis:

export EVENTS={events}
export MATCHING={matching}
export NOTIFY={notify}
export ORGANISER={organiser_token}
export MEMBER={member_token}
export EVENT={event}
export ORGANISATION={member_id}

Sign a company up, see who comes, and look for partners:

curl -s $EVENTS/v1/events/$EVENT/registrations -H 'Content-Type: application/json' -d '
  {{"organisation": {{"name": "Havfersk ApS", "kind": "startup"}},
   "contact": {{"name": "Freja Holm", "email": "freja@example.org", "language": "da"}},
   "attendees": [{{"name": "Freja Holm", "email": "freja@example.org"}}, {{"name": "Ali Nur"}}, {{}}]}}'
curl -s $EVENTS/v1/events/$EVENT/attendees -H "Authorization: Bearer $ORGANISER"
curl -s $EVENTS/v1/events/$EVENT/capacity -H "Authorization: Bearer $ORGANISER"
curl -s $MATCHING/v1/organisations/$ORGANISATION/suggestions -H "Authorization: Bearer $MEMBER"
"""


def addresses(urls: Mapping[str, str]) -> str:
    return "\n".join(f"  {name:<9} {urls[name]}  documents: {urls[name]}/docs/{name}" for name in SERVICES)


def welcome(folder: DataFolder, urls: Mapping[str, Any], *, with_sample: bool) -> str:
    words = EVERYWHERE.format(data=folder.path, addresses=addresses(urls), smtp_port=urls["smtp_port"])
    return words + sample_words(folder, urls) if with_sample else words


def sample_words(folder: DataFolder, urls: Mapping[str, str]) -> str:
    # Imported late: a start without the sample need not wait for an HTTP client.
    from deploy.local.sample import ORGANISER, load_sample
    from deploy.local.tokens import sign

    sample = load_sample(folder, urls)
    member = sample.organisations[MEMBER_OF]
    return SAMPLE.format(
        count=len(sample.organisations),
        title=sample.event["title"]["da"],
        organiser_token=sign(folder, ORGANISER, "organiser", sample.organiser),
        member_token=sign(folder, MEMBER, "member", member),
        event=sample.event["id"],
        member_id=member,
        **{service: urls[service] for service in SERVICES},
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="welcome", description=__doc__)
    add_data_option(parser)
    parser.add_argument("--sample", action="store_true")
    arguments = parser.parse_args()
    folder = DataFolder(arguments.data.resolve())
    urls = json.loads((folder.path / "stack.json").read_text())
    print(welcome(folder, urls, with_sample=arguments.sample))


if __name__ == "__main__":
    main()
