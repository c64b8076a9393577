"""Runs the action as GitHub would, and looks at what it left. Called by .ci/action."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import urllib.request

work, github, aws, act = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
IMAGE = "localhost/imagebuild-action"
HEAD = "a" * 40
ROLE = "arn:aws:iam::123456789012:role/imagebuild"

CONFIGURATION = """
variable "seconds" {
  default = 0
}
variable "word" {
  default = "one"
}
source "imagebuilder" "web" {
  parent_image          = "aws:amazon-linux-2023-x86"
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
}
build {
  name    = "web"
  sources = ["source.imagebuilder.web"]
  provisioner "shell" {
    inline = [
      "echo ${var.word} started",
      "printf '::set-output name=ami-ids::forged\\\\n##[add-mask]web\\\\nok\\\\r::error::forged\\\\n'",
      "env",
      "sleep ${var.seconds}",
    ]
  }
}
"""

WORKFLOW = """
on: [push, pull_request]
permissions: {}
jobs:
  image:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - id: image
        uses: ./action
        with:
          command: COMMAND
          path: images
          role-to-assume: ROLE
          aws-region: eu-west-1
          comment: update
          check: 'true'
      - env:
          CHANGED: ${{ steps.image.outputs.changed }}
          AMIS: ${{ steps.image.outputs.ami_ids }}
          COMMENT: ${{ steps.image.outputs.comment-url }}
          REPORT: ${{ steps.image.outputs.report }}
        run: |
          echo "outputs: changed=$CHANGED amis=$AMIS comment=$COMMENT report=$REPORT"
          test -s "$REPORT"
"""


def call(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(github + path, data=data), timeout=20) as reply:
        return json.load(reply)


def check(what, ok, *evidence):
    print(("ok    " if ok else "FAILED ") + what, flush=True)
    if not ok:
        for e in evidence:
            print(e)
        sys.exit(1)


def repository(command):
    """A repository with a configuration and the action as a release would have it: by image."""
    repo = work / ("repo-" + command)
    (repo / "images").mkdir(parents=True)
    (repo / "action").mkdir()
    (repo / ".github/workflows").mkdir(parents=True)
    (repo / "images/web.ib.hcl").write_text(CONFIGURATION)
    action = pathlib.Path("action.yml").read_text()
    (repo / "action/action.yml").write_text(action.replace("image: Dockerfile", "image: docker://" + IMAGE))
    (repo / ".github/workflows/ci.yml").write_text(WORKFLOW.replace("COMMAND", command).replace("ROLE", ROLE))
    git = ["git", "-C", str(repo), "-c", "user.name=ci", "-c", "user.email=ci@example.com"]
    for args in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "images"]):
        subprocess.run(git + args, check=True)
    return repo


def environment(job):
    env = call("/_jobs", job)
    env["AWS_ENDPOINT_URL"] = aws
    return env


def run_act(event, command, job, token, payload=None):
    repo = repository(command + str(job["RunID"]))
    workflow = repo / ".github/workflows/ci.yml"
    workflow.write_text(workflow.read_text().replace("command: " + command + str(job["RunID"]), "command: " + command))
    env = environment(dict(job, event=event, payload=payload))
    names = ["GITHUB_SHA", "GITHUB_EVENT_NAME", "GITHUB_WORKSPACE", "RUNNER_TEMP", "CI", "GITHUB_ACTIONS"]
    (repo / ".env").write_text("".join(f"{k}={v}\n" for k, v in env.items() if k not in names))
    (repo / "event.json").write_text(json.dumps(payload or {}))
    home = work / "home"
    (home / ".config/act").mkdir(parents=True, exist_ok=True)
    (home / ".config/act/actrc").touch()
    began = time.monotonic()
    done = subprocess.run(
        [act, event, "-e", "event.json", "--rm", "-P", "ubuntu-latest=localhost/job", "--pull=false", "--action-offline-mode",
         "--network", "host", "--env-file", ".env", "-s", "GITHUB_TOKEN=" + token],
        cwd=repo, env=dict(os.environ, HOME=str(home), DOCKER_HOST=f"unix://{work}/podman.sock"),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240)
    print(f"      act {event} {command}: {time.monotonic() - began:.1f}s", flush=True)
    return done.returncode, done.stdout


def comments():
    return [c for c in call("/_state")["Comments"] if "<!-- imagebuild:v1" in c["Body"]]


def outputs(log):
    found = re.findall(r"\| outputs: changed=(\S*) amis=(\S*) comment=(\S*) report=(\S*)", log)
    return found[-1] if found else None


def under_act():
    service = subprocess.Popen(["podman", "system", "service", "--time=0", f"unix://{work}/podman.sock"], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if (work / "podman.sock").exists():
                break
            time.sleep(0.1)
        scenarios()
    finally:
        service.terminate()
        service.wait()


def scenarios():
    payload = call("/_state/pulls", {"Number": 7, "HeadSHA": HEAD})
    ref = "refs/pull/7/merge"
    status, log = run_act("pull_request", "plan", {"ref": ref, "RunID": 100}, "ghs_write", payload)
    out = outputs(log)
    check("pull_request: the plan succeeds with a role assumed by this job's token", status == 0, log)
    check("pull_request: outputs", out is not None and out[0] == "true" and "#issuecomment-" in out[2], log)
    check("pull_request: summary", "## 📋 imagebuild plan" in log, log)
    found = comments()
    check("pull_request: one comment with the plan", len(found) == 1 and "imagebuild plan" in found[0]["Body"], found)
    check("pull_request: the artifact", any(a["Name"].startswith("imagebuild-plan-") for a in call("/_state")["Artifacts"]), call("/_state")["Artifacts"])
    check("pull_request: the check run on the pull request's head", any(c.get("HeadSHA", HEAD) == HEAD for c in call("/_state")["CheckRuns"]), call("/_state")["CheckRuns"])

    status, log = run_act("pull_request", "build", {"ref": ref, "RunID": 101}, "ghs_write", payload)
    out = outputs(log)
    check("pull_request: the build succeeds", status == 0, log)
    check("pull_request: the AMI is an output, and no log forged it", out is not None and re.fullmatch(r'\{"web":\{"eu-west-1":"ami-[0-9a-f]{8,17}"\}\}', out[1]) is not None, log)
    check("pull_request: nothing of the runner's environment reached the script", not re.search(r"Stdout: (ACTIONS_|INPUT_|AWS_(?!CA_BUNDLE)|GITHUB_)", log), log)
    found = comments()
    check("pull_request: still one comment, with the result", len(found) == 1 and "imagebuild build" in found[0]["Body"], found)

    status, log = run_act("push", "build", {"ref": "refs/heads/main", "RunID": 102}, "ghs_write")
    out = outputs(log)
    check("push: the merge builds nothing again", status == 0 and "reused" in log, log)
    check("push: the AMI that the pull request built", out is not None and "ami-" in out[1], log)

    payload = call("/_state/pulls", {"Number": 8, "HeadSHA": "c" * 40, "HeadRepo": "mallory/r", "HeadRepoID": 99})
    status, log = run_act("pull_request", "build", {"ref": "refs/pull/8/merge", "RunID": 103, "no_identity": True}, "ghs_read", payload)
    out = outputs(log)
    check("fork: green, planned offline", status == 0 and "comes from a fork" in log and "Planned offline" in log, log)
    check("fork: no comment and no image", len(comments()) == 1 and out is not None and out[1] in ("{}", ""), log)
    problems = call("/_state")["Problems"]
    check("every request and reply is as GitHub describes it", not problems, problems)


def container(name, entrypoint, env, home, *options):
    args = ["podman", "run", "--name", name, "--network", "host", "--entrypoint", entrypoint, "-w", "/github/workspace",
            "-v", f"{home}:/github/home", "-v", f"{work}/repo-cancel:/github/workspace", *options]
    for k, v in env.items():
        args += ["-e", f"{k}={v}"]
    return args + [IMAGE]


def wait_for(file, text, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if text in file.read_text():
            return True
        time.sleep(0.05)
    return False


def images():
    done = subprocess.run([str(work / "imagebuild"), "plan", "--json", "--var", "word=x", str(work / "repo-cancel/images")],
                          env=dict(os.environ, AWS_ENDPOINT_URL=aws, AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_REGION="eu-west-1"),
                          capture_output=True, text=True)
    return done.stdout


def cancellation():
    repository("cancel")
    for number, how in enumerate(("signals", "kill")):
        payload = call("/_state/pulls", {"Number": 20 + number, "HeadSHA": HEAD})
        job = {"event": "pull_request", "ref": f"refs/pull/{20 + number}/merge", "RunID": 200 + number, "payload": payload}
        home = work / f"home-{how}"
        home.mkdir()
        (home / "event.json").write_text(json.dumps(payload))
        for file in ("output", "state", "summary"):
            (home / file).touch()
        env = dict(environment(job), HOME="/github/home", GITHUB_EVENT_PATH="/github/home/event.json", GITHUB_OUTPUT="/github/home/output",
                   GITHUB_STATE="/github/home/state", GITHUB_STEP_SUMMARY="/github/home/summary", GITHUB_WORKSPACE="/github/workspace", RUNNER_TEMP="/tmp")
        env.update({"INPUT_COMMAND": "build", "INPUT_PATH": "images", "INPUT_VARS": f"seconds=120\nword={how}", "INPUT_ROLE-TO-ASSUME": ROLE,
                    "INPUT_AWS-REGION": "eu-west-1", "INPUT_GITHUB-TOKEN": "ghs_write"})
        log = work / f"cancel-{how}.log"
        began = time.monotonic()
        with log.open("w") as out:
            step = subprocess.Popen(container(how, "/imagebuild-action", env, home), stdout=out, stderr=subprocess.STDOUT)
        while log.stat().st_size == 0 and step.poll() is None:
            time.sleep(0.005)
        first = time.monotonic() - began
        check(f"{how}: first output after {first:.2f}s, of at most 1.5", first < 1.5, log.read_text())
        check(f"{how}: the build runs", wait_for(log, f"Stdout: {how} started"), log.read_text())
        check(f"{how}: the ledger was written before", "ledger<<" in (home / "state").read_text(), (home / "state").read_text())
        struck = time.monotonic()
        if how == "kill":
            subprocess.run(["podman", "kill", "-s", "KILL", how], check=True, stdout=subprocess.DEVNULL)
        else:
            subprocess.run(["podman", "kill", "-s", "INT", how], check=True, stdout=subprocess.DEVNULL)
            try:
                step.wait(7.5)
            except subprocess.TimeoutExpired:
                subprocess.run(["podman", "kill", "-s", "TERM", how], check=True, stdout=subprocess.DEVNULL)
        code = step.wait(10)
        took = time.monotonic() - struck
        if how == "signals":
            check(f"signals: over after {took:.1f}s, of at most 7, with status 130", took < 7 and code == 130, code, log.read_text())
        post = dict(env)
        state = re.search(r"ledger<<(\S+)\n(.*?)\n\1\n", (home / "state").read_text(), re.S)
        post["STATE_ledger"] = state.group(2)
        began = time.monotonic()
        done = subprocess.run(container(how + "-post", "/imagebuild-action-post", post, home, "--rm"), capture_output=True, text=True)
        check(f"{how}: the step after cleans up in {time.monotonic() - began:.1f}s", done.returncode == 0, done.stdout, done.stderr)
        if how == "kill":
            check("kill: what went on is cancelled with fresh credentials", "Cancelled arn:aws:imagebuilder:" in done.stdout, done.stdout)
        body = [c["Body"] for c in call("/_state")["Comments"] if c["PullRequest"] == 20 + number]
        check(f"{how}: the comment tells of the end", len(body) == 1 and "Cancelled" in body[0], body)
        subprocess.run(["podman", "rm", "-f", how], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    problems = call("/_state")["Problems"]
    check("every request and reply is as GitHub describes it", not problems, problems)


under_act()
cancellation()
