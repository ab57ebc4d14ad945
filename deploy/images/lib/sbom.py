"""The bill of materials: SPDX 2.3, the same bytes for the same lock."""

import hashlib
import json
from datetime import datetime, timezone
from urllib.parse import quote


def document(recipe, lock, tag):
    """What is in the image: one entry a package."""
    created = datetime.fromtimestamp(lock["epoch"], timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    image = {
        "SPDXID": "SPDXRef-image",
        "name": recipe.id,
        "versionInfo": tag,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "primaryPackagePurpose": "CONTAINER",
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
    }
    packages, relations = [image], [("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-image")]
    for entry in lock["packages"]:
        if not entry.get("files"):
            continue  # nothing but its licence is in the image
        identifier = "SPDXRef-" + "".join(c if c.isalnum() or c in ".-" else "-" for c in entry["name"])
        purl = f"pkg:deb/debian/{quote(entry['name'])}@{quote(entry['version'])}?arch={entry['architecture']}&distro={lock['suite']}"
        packages.append({
            "SPDXID": identifier,
            "name": entry["name"],
            "versionInfo": entry["version"],
            "supplier": "Organization: Debian",
            "downloadLocation": "NOASSERTION",
            "packageFileName": entry["path"].rsplit("/", 1)[-1],
            "filesAnalyzed": False,
            "checksums": [{"algorithm": "SHA256", "checksumValue": entry["sha256"]}],
            "sourceInfo": f"built from {entry['source']}",
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "NOASSERTION",
            "licenseComments": f"/usr/share/doc/{entry['name']}/copyright",
            "copyrightText": "NOASSERTION",
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}],
        })
        relations.append(("SPDXRef-image", "CONTAINS", identifier))
    own = lock.get("program")
    if own:
        packages.append({**image, "SPDXID": "SPDXRef-program", "name": own["name"], "versionInfo": own["version"], "primaryPackagePurpose": "APPLICATION",
                         "checksums": [{"algorithm": "SHA256", "checksumValue": own["sha256"]}]})
        relations.append(("SPDXRef-image", "CONTAINS", "SPDXRef-program"))
    body = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{recipe.id}-{tag}",
        "creationInfo": {"created": created, "creators": ["Tool: stackgres-images"]},
        "packages": packages,
        "relationships": [{"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b} for a, kind, b in relations],
    }
    mark = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    body["documentNamespace"] = f"https://stackgres.io/spdx/{recipe.id}/{mark}"
    return json.dumps(body, indent=1) + "\n"
