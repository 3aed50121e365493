"""What the stand-in answers to each GraphQL operation that the SDK sends.

An answer holds every field that an operation may ask for: which of them it did is not looked at.
"""

import base64
import hashlib
import json
import re
from typing import Any

from wandb_stand_in.account import Account, Artifact, Collection

Variables = dict[str, Any]

_OPERATION = re.compile(r"\b(?:query|mutation)\s+(\w+)")
_TIME = "2026-01-01T00:00:00Z"


class GraphqlError(Exception):
    """A request that the service would refuse."""

    def __init__(self, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.status = status


class Operations:
    """Answers on one account; what is put to the addresses that it hands out lies in `uploaded`."""

    def __init__(self, account: Account, url: str) -> None:
        self.account = account
        self.url = url
        self.uploaded: dict[str, bytes] = {}
        self._manifests: dict[str, tuple[str, str]] = {}  # artifact id and path, by manifest id

    @staticmethod
    def name_of(query: str) -> str:
        match = _OPERATION.search(query)
        return match[1] if match else "unnamed"

    def answer(self, name: str, variables: Variables) -> dict[str, Any]:
        answers = {
            "Viewer": self._viewer,
            "ServerFeaturesQuery": self._features,
            "RunResumeStatus": self._no_earlier_run,
            "UpsertBucket": self._run,
            "CreateRunFiles": self._run_files,
            "XXHashDigestsEnabled": lambda _: {"entity": {"xxhashDigestsEnabled": False}},
            "CreateArtifact": self._create_artifact,
            "CreateArtifactManifest": self._create_manifest,
            "CreateArtifactFiles": self._create_files,
            "CommitArtifact": self._commit,
            "ArtifactType": self._artifact_type,
            "ArtifactByID": self._artifact_by_id,
            "FetchOrgInfoFromEntity": self._organization,
            "LinkArtifact": self._link,
            "ProjectArtifactCollection": self._project_collection,
            "ProjectArtifacts": self._project_artifacts,
            "AddAliases": self._add_aliases,
            "DeleteAliases": self._delete_aliases,
            "IsProjectReadOnly": lambda _: {"project": {"readOnly": False}},
            "UpdateArtifact": self._update_artifact,
        }
        if name not in answers:
            raise GraphqlError(f"The stand-in knows no operation {name}.", 400)
        return answers[name](variables)

    def _viewer(self, _: Variables) -> dict[str, Any]:
        viewer = {"id": "user-1", "entity": self.account.team, "username": "somebody"}
        return {"viewer": {**viewer, "flags": "{}", "teams": {"edges": []}, "email": None}}

    def _features(self, _: Variables) -> dict[str, Any]:
        names = ["ARTIFACT_MEMBERSHIP_IN_LINK_ARTIFACT_RESPONSE"]
        return {"serverInfo": {"features": [{"name": n, "isEnabled": True} for n in names]}}

    def _no_earlier_run(self, variables: Variables) -> dict[str, Any]:
        project = self._project_fields(variables["entity"], variables["project"])
        return {"model": {**project, "bucket": None}}

    def _run(self, variables: Variables) -> dict[str, Any]:
        entity, project = variables["entity"], variables["project"]
        if entity != self.account.team:
            raise GraphqlError(f"permission denied: no entity {entity}", 403)
        self.account.projects.add(project)
        bucket = {
            "id": self.account.new_id("run"),
            "name": variables["name"],
            "displayName": variables["name"],
            "description": None,
            "config": "{}",
            "sweepName": None,
            "historyLineCount": 0,
            "project": self._project_fields(entity, project),
        }
        return {"upsertBucket": {"bucket": bucket, "inserted": True}}

    def _run_files(self, variables: Variables) -> dict[str, Any]:
        files = [
            {"name": name, "uploadUrl": self._address(f"run/{variables['run']}/{name}")}
            for name in variables["files"]
        ]
        return {"createRunFiles": {"runID": "run", "uploadHeaders": [], "files": files}}

    def _create_artifact(self, variables: Variables) -> dict[str, Any]:
        asked = variables["input"]
        artifact = self.account.create(
            entity=asked["entityName"],
            project=asked["projectName"],
            name=asked["artifactCollectionName"],
            type_=asked["artifactTypeName"],
            digest=asked["digest"],
            metadata=asked["metadata"],
            description=asked["description"],
        )
        return {
            "createArtifact": {
                "artifact": {
                    "id": artifact.id,
                    "state": artifact.state,
                    "artifactSequence": {"id": artifact.sequence.id, "latestArtifact": None},
                }
            }
        }

    def _create_manifest(self, variables: Variables) -> dict[str, Any]:
        artifact = self._artifact(variables["artifactID"])
        manifest = self.account.new_id("manifest")
        path = f"/storage/manifest/{artifact.id}"
        file: dict[str, Any] = {"id": f"file-{manifest}"}
        if variables["includeUpload"]:
            file |= {"uploadUrl": f"{self.url}{path}", "uploadHeaders": []}
        return {"createArtifactManifest": {"artifactManifest": {"id": manifest, "file": file}}}

    def _create_files(self, variables: Variables) -> dict[str, Any]:
        edges = []
        for asked in variables["input"]["artifactFiles"]:
            artifact = self._artifact(asked["artifactID"])
            path = f"/storage/content/{artifact.id}/{asked['name']}"
            node = {
                "id": self.account.new_id("file"),
                "name": asked["name"],
                "displayName": asked["name"],
                "artifact": {"id": artifact.id},
                "storagePath": f"content/{artifact.id}/{asked['name']}",
                "uploadUrl": f"{self.url}{path}",
                "uploadHeaders": [],
                "uploadMultipartUrls": None,
            }
            edges.append({"node": node})
        return {"createArtifactFiles": {"files": {"edges": edges}}}

    def _commit(self, variables: Variables) -> dict[str, Any]:
        artifact = self._artifact(variables["artifactID"])
        try:
            manifest = json.loads(self.uploaded[f"/storage/manifest/{artifact.id}"])
            for name, entry in manifest["contents"].items():
                content = self.uploaded[f"/storage/content/{artifact.id}/{name}"]
                md5 = base64.b64encode(hashlib.md5(content).digest()).decode()  # noqa: S324 (as W&B asks)
                if md5 != entry["digest"]:
                    raise GraphqlError(f"{name} is not what the manifest says")
                artifact.files[name] = content
        except KeyError as error:
            raise GraphqlError(f"{error} was not uploaded") from error
        artifact.state = "COMMITTED"
        return {"commitArtifact": {"artifact": {"id": artifact.id, "digest": artifact.digest}}}

    def _artifact_type(self, variables: Variables) -> dict[str, Any]:
        name = variables["name"].partition(":")[0]
        found = self.account.collection(variables["entity"], variables["project"], name)
        return {"project": {"artifact": found and {"artifactType": {"name": found.type}}}}

    def _artifact_by_id(self, variables: Variables) -> dict[str, Any]:
        artifact = self.account.artifacts.get(variables["id"])
        return {"artifact": artifact and self._artifact_fields(artifact)}

    def _organization(self, variables: Variables) -> dict[str, Any]:
        if variables["entity"] != self.account.team:
            return {"entity": None}
        organization = {
            "name": self.account.organization,
            "orgEntity": {"name": self.account.organization_entity},
        }
        return {"entity": {"organization": organization, "user": None}}

    def _link(self, variables: Variables) -> dict[str, Any]:
        asked = variables["input"]
        artifact = self._artifact(asked["artifactID"])
        entity, project = asked["entityName"], asked["projectName"]
        if artifact.state != "COMMITTED":
            raise GraphqlError(f"{artifact.id} is not committed")
        if not self.account.is_project(entity, project):
            raise GraphqlError(f"permission denied: no project {entity}/{project}", 404)
        collection = self.account.link(artifact, entity, project, asked["artifactPortfolioName"])
        for alias in asked["aliases"] or []:
            collection.aliases[alias["alias"]] = artifact
        index = collection.add(artifact)
        membership = {
            "__typename": "ArtifactCollectionMembership",
            "id": f"{collection.id}-{index}",
            "versionIndex": index,
            "createdAt": _TIME,
            "aliases": self._alias_fields(collection, artifact),
            "artifactCollection": self._collection_fields(collection),
            "artifact": self._artifact_fields(artifact),
        }
        return {"result": {"versionIndex": index, "artifactMembership": membership}}

    def _project_collection(self, variables: Variables) -> dict[str, Any]:
        return self._in_project(variables, variables["name"], {})

    def _project_artifacts(self, variables: Variables) -> dict[str, Any]:
        """A page of the committed members, the newest first."""
        found = self.account.collection(
            variables["entity"], variables["project"], variables["collection"]
        )
        members = sorted(found.members.items(), reverse=True) if found else []
        committed = [(n, artifact) for n, artifact in members if artifact.state == "COMMITTED"]
        start = int(variables["cursor"] or 0)
        end = start + variables["perPage"]
        page = {
            "totalCount": len(committed),
            "pageInfo": {
                "__typename": "PageInfo",
                "endCursor": str(end),
                "hasNextPage": end < len(committed),
            },
            "edges": [
                {"version": f"v{number}", "node": self._artifact_fields(artifact)}
                for number, artifact in committed[start:end]
            ],
        }
        return self._in_project(variables, variables["collection"], {"artifacts": page})

    def _in_project(self, variables: Variables, name: str, more: dict[str, Any]) -> dict[str, Any]:
        entity, project = variables["entity"], variables["project"]
        if not self.account.is_project(entity, project):
            return {"project": None}
        found = self.account.collection(entity, project, name)
        if found is not None and found.type != variables["type"]:
            found = None
        fields = found and {**self._collection_fields(found), **more}
        return {"project": {"artifactType": {"artifactCollection": fields}}}

    def _add_aliases(self, variables: Variables) -> dict[str, Any]:
        artifact = self._artifact(variables["input"]["artifactID"])
        for asked in variables["input"]["aliases"]:
            self._collection_of(asked).aliases[asked["alias"]] = artifact
        return {"result": {"success": True}}

    def _delete_aliases(self, variables: Variables) -> dict[str, Any]:
        artifact = self._artifact(variables["input"]["artifactID"])
        for asked in variables["input"]["aliases"]:
            aliases = self._collection_of(asked).aliases
            if aliases.get(asked["alias"]) is artifact:
                del aliases[asked["alias"]]
        return {"result": {"success": True}}

    def _update_artifact(self, variables: Variables) -> dict[str, Any]:
        asked = variables["input"]
        artifact = self._artifact(asked["artifactID"])
        artifact.metadata = asked["metadata"]
        return {"result": {"artifact": self._artifact_fields(artifact)}}

    def _artifact(self, id_: str) -> Artifact:
        artifact = self.account.artifacts.get(id_)
        if artifact is None:
            raise GraphqlError(f"no artifact {id_}", 404)
        return artifact

    def _collection_of(self, asked: Variables) -> Collection:
        found = self.account.collection(
            asked["entityName"], asked["projectName"], asked["artifactCollectionName"]
        )
        if found is None:
            raise GraphqlError(f"no collection {asked['artifactCollectionName']}", 404)
        return found

    def _artifact_fields(self, artifact: Artifact) -> dict[str, Any]:
        collections = [
            collection
            for collection in self.account.collections.values()
            if artifact in collection.members.values()
        ]
        return {
            "__typename": "Artifact",
            "id": artifact.id,
            "artifactSequence": self._collection_fields(artifact.sequence),
            "versionIndex": artifact.index,
            "artifactType": {"name": artifact.sequence.type},
            "description": artifact.description,
            "metadata": artifact.metadata,
            "ttlDurationSeconds": -2,
            "ttlIsInherited": True,
            "tags": [],
            "historyStep": None,
            "state": artifact.state,
            "size": sum(map(len, artifact.files.values())),
            "digest": artifact.digest,
            "digestAlgorithm": "MANIFEST_MD5",
            "commitHash": artifact.digest,
            "fileCount": len(artifact.files),
            "createdAt": _TIME,
            "updatedAt": None,
            "aliases": [
                {**fields, "artifactCollection": self._collection_fields(collection)}
                for collection in collections
                for fields in self._alias_fields(collection, artifact)
            ],
        }

    @staticmethod
    def _alias_fields(collection: Collection, artifact: Artifact) -> list[dict[str, Any]]:
        return [
            {"__typename": "ArtifactAlias", "id": f"{collection.id}-{alias}", "alias": alias}
            for alias in collection.aliases_of(artifact)
        ]

    def _collection_fields(self, collection: Collection) -> dict[str, Any]:
        return {
            "__typename": collection.kind,
            "id": collection.id,
            "name": collection.name,
            "description": None,
            "createdAt": _TIME,
            "updatedAt": None,
            "project": self._project_fields(collection.entity, collection.project),
            "type": {"name": collection.type},
            "tags": {"edges": []},
        }

    def _address(self, path: str) -> str:
        return f"{self.url}/storage/{path}"

    @staticmethod
    def _project_fields(entity: str, project: str) -> dict[str, Any]:
        return {
            "id": f"project-{project}",
            "internalId": f"internal-{project}",
            "name": project,
            "entity": {"id": f"entity-{entity}", "name": entity},
        }
