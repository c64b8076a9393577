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

HOSTILE = """
source "imagebuilder" "web" {
  parent_image          = "aws:amazon-linux-2023-x86"
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
}
build {
  name    = "web"
  sources = ["source.imagebuilder.web"]
  provisioner "shell" {
    script = "forge.sh"
  }
}
"""

# 30 MB of all that a runner, GitHub or a terminal might obey, and an error stream of the same.
FORGE = r"""
{
  printf '::set-output name=ami-ids::forged\n##[set-output name=ami-ids]forged\nok\r::error::forged\n\302\240::add-mask::web\n'
  printf '::stop-commands::forged\n\342\200\250::notice::forged\n::endgroup::\n ami-ids<<EOF\nforged\nEOF\n::add-path::/forged\n'
  printf '\033]0;forged\a::save-state name=ledger::forged\n<img src=x> @mallory fixes #1 ```\n</details> <!-- imagebuild:v1 {"key":"forged"} -->\n'
} >/tmp/block
for _ in $(seq 11); do cat /tmp/block /tmp/block >/tmp/twice; mv /tmp/twice /tmp/block; done
n=0
while [ "$n" -lt 40 ]; do cat /tmp/block; n=$((n + 1)); done | head -c 30000000
head -c 100000 /tmp/block >&2
exit 3
"""

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
    return [c for c in call("/_state")["Comments"] if "<!-- imagebuild:v1" in c["Body"] and c["PullRequest"] in (7, 8)]


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


def obeyed(log):
    """The workflow commands that a runner would take from a log, by its own two rules."""
    stop, out = None, []
    for line in re.split(r"\r\n|\n|\r", log):
        line = line.lstrip()  # of all Unicode blanks, as the runner's TrimStart
        if stop is not None:
            stop = None if line == f"::{stop}::" else stop
            if stop is not None and (line.startswith("::") or "##[" in line):
                out.append("unbelted " + line)  # the belt holds, and there should be nothing for it to hold
            continue
        found = re.match(r"::([a-z-]+)[^:]*::(.*)", line, re.I)
        if found and found.group(1) == "stop-commands":
            stop = found.group(2)
        elif found:
            out.append(found.group(1) + " " + found.group(2))
        if "##[" in line:
            out.append("legacy " + line)
    return out


def files_set(text):
    """The values of a file of file commands, as the runner reads it."""
    out, lines = {}, text.split("\n")
    while lines:
        line = lines.pop(0)
        found = re.match(r"([^=<]+)<<(.+)$", line)
        if found:
            value = []
            while (line := lines.pop(0)) != found.group(2):
                value.append(line)
            out[found.group(1)] = "\n".join(value)
        elif line:
            out[line.split("=")[0]] = line
    return out


def hostile_log():
    repo = repository("hostile")
    (repo / "images/web.ib.hcl").write_text(HOSTILE)
    (repo / "images/forge.sh").write_text(FORGE)
    payload = call("/_state/pulls", {"Number": 30, "HeadSHA": HEAD})
    home, env = step_environment("hostile", {"event": "pull_request", "ref": "refs/pull/30/merge", "RunID": 300, "payload": payload}, payload)
    env.update({"INPUT_COMMAND": "build", "INPUT_PATH": "images", "INPUT_ROLE-TO-ASSUME": ROLE, "INPUT_AWS-REGION": "eu-west-1", "INPUT_GITHUB-TOKEN": "ghs_write"})
    with (work / "hostile.out").open("wb") as out, (work / "hostile.err").open("wb") as err:
        step = subprocess.Popen(container("hostile", "/imagebuild-action", env, home, "--rm"), stdout=out, stderr=err)
    yield  # it takes a while, in which others run
    code = step.wait(300)
    log, err = (work / "hostile.out").read_bytes().decode(errors="replace"), (work / "hostile.err").read_text(errors="replace")
    check(f"hostile: the build fails as its script does, after {len(log)} characters of log", code == 1 and len(log) > 25_000_000, code, log[-3000:], err[-2000:])
    check("hostile: nothing is written beside standard output", not err, err[:2000])
    commands = obeyed(log)
    strange = [c for c in commands if not re.match(r"(add-mask|debug|notice|error|warning) ", c) or re.match(r"(error|notice|warning) forged|add-mask web$", c)]
    check(f"hostile: the runner obeys {len(commands)} commands, all of them the action's own", 0 < len(commands) < 40 and not strange, commands)
    out = files_set((home / "output").read_text())
    check("hostile: the outputs are the action's own", out.get("ami-ids") == "{}" and out.get("changed") == "true" and all("<<" not in k for k in out), out.keys())
    state = files_set((home / "state").read_text())
    check("hostile: the state is the action's own", set(state) == {"ledger"} and json.loads(state["ledger"])["run"].startswith("github:"), state)
    body = [c["Body"] for c in call("/_state")["Comments"] if c["PullRequest"] == 30]
    check("hostile: one comment of one marker, at most 65536 characters", len(body) == 1 and len(body[0]) < 65536 and body[0].count("<!-- imagebuild:v1") == 1, body)
    fenced = re.sub(r"(?ms)^(`{3,}).*?^\1`*$", "", body[0])
    check("hostile: nobody is mentioned, no issue closed, no picture fetched", not re.search(r"<img|(^|[\s>])@mallory|fixes #1", fenced), fenced)


def container(name, entrypoint, env, home, *options):
    args = ["podman", "run", "--name", name, "--network", "host", "--entrypoint", entrypoint, "-w", "/github/workspace",
            "-v", f"{home}:/github/home", "-v", f"{work}/repo-{name.split('-')[0]}:/github/workspace", *options]
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


def step_environment(name, job, payload):
    """A directory for what the runner keeps of a step, and the variables of the step."""
    home = work / f"home-{name}"
    home.mkdir()
    (home / "event.json").write_text(json.dumps(payload))
    for file in ("output", "state", "summary"):
        (home / file).touch()
    return home, dict(environment(job), HOME="/github/home", GITHUB_EVENT_PATH="/github/home/event.json", GITHUB_OUTPUT="/github/home/output",
                      GITHUB_STATE="/github/home/state", GITHUB_STEP_SUMMARY="/github/home/summary", GITHUB_WORKSPACE="/github/workspace", RUNNER_TEMP="/tmp")


def cancellation():
    for number, how in enumerate(("signals", "kill")):
        repository(how)
        payload = call("/_state/pulls", {"Number": 20 + number, "HeadSHA": HEAD})
        job = {"event": "pull_request", "ref": f"refs/pull/{20 + number}/merge", "RunID": 200 + number, "payload": payload}
        home, env = step_environment(how, job, payload)
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


cancellation()
hostile = hostile_log()
next(hostile)
under_act()
next(hostile, None)
