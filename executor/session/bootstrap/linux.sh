#!/bin/bash
# Fetches signed jobs of imagebuild from S3 and does them, inside of an AppStream image builder.
#
# Run once as root with --install, in the image that image builders are started from: it is then started with
# every machine. In anything but an image builder it ends at once. It reads jobs/<machine>/ and writes
# results/<machine>/ of one bucket with the machine's role, and takes no job that is not signed with the key, meant for
# this machine, of this hour, and new.
set -eu
home=${IMAGEBUILD_HOME:-/var/lib/imagebuild}

if [ "${1:-}" = --install ]; then
  install -d -m 0700 "$home"
  install -m 0700 "$0" "$home/bootstrap.sh"
  cat >/etc/systemd/system/imagebuild.service <<UNIT
[Unit]
Description=imagebuild's jobs
After=network-online.target
Wants=network-online.target
[Service]
ExecStart=$home/bootstrap.sh
KillMode=process
[Install]
WantedBy=multi-user.target
UNIT
  systemctl enable imagebuild.service
  exit 0
fi

# Login shells have AppStream's variables; services do not.
if [ -z "${AppStream_Resource_Type:-}" ]; then
  for f in /etc/profile.d/appstream*.sh /etc/environment; do
    if [ -r "$f" ]; then set -a; . "$f"; set +a; fi
  done
fi
[ "${AppStream_Resource_Type:-}" = imagebuilder ] || exit 0
install -d -m 0700 "$home"

for python in python3 /usr/libexec/platform-python; do
  if command -v "$python" >/dev/null 2>&1; then
    exec "$python" - "$home" "$AppStream_Resource_Name" <<'PROGRAM'
import base64, hashlib, hmac, json, os, re, subprocess, sys, tempfile, time, urllib.request
from datetime import datetime, timezone

BUCKET, PREFIX, REGION, KEY_SOURCE = {{bucket}}, {{prefix}}, {{region}}, {{key}}
IDLE = 50 * 60
HOME, MACHINE = sys.argv[1], sys.argv[2]


def aws(*args, data=None):
    """Calls AWS as the machine's role. None is a failure: an absent object is answered with 403 to whoever may not
    list the bucket, so that no failure of a read is told from another."""
    p = subprocess.run(["aws", "--profile", "appstream_machine_role", "--region", REGION, *args],
                       input=data, stdin=None if data is not None else subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return p.stdout if p.returncode == 0 else None


def job_key():
    if KEY_SOURCE.startswith("ssm:"):
        out = aws("ssm", "get-parameter", "--name", KEY_SOURCE[4:], "--with-decryption", "--query", "Parameter.Value", "--output", "text")
        return out and out.decode().strip()
    name, _, member = KEY_SOURCE[len("secretsmanager:"):].partition("#")
    out = aws("secretsmanager", "get-secret-value", "--secret-id", name, "--query", "SecretString", "--output", "text")
    if out and member:
        return json.loads(out)[member].strip()
    return out and out.decode().strip()


def right(key, algorithm, message, signature):
    if key.startswith("ed25519-public:"):
        if algorithm != "Ed25519":
            return False
        der = bytes.fromhex("302a300506032b6570032100" + key.split(":", 1)[1])
        with tempfile.TemporaryDirectory(dir=HOME) as d:
            for name, body in (("key", der), ("message", message), ("signature", signature)):
                with open(os.path.join(d, name), "wb") as f:
                    f.write(body)
            # OpenSSL 3 verifies Ed25519 on the command line; older ones refuse, and the job is not taken.
            return subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", d + "/key", "-rawin", "-in", d + "/message",
                                   "-sigfile", d + "/signature"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    return algorithm == "HMAC-SHA256" and hmac.compare_digest(mac(key, message), signature)


def mac(key, message):
    secret = b"" if key.startswith("ed25519-public:") else bytes.fromhex(key)
    return hmac.new(secret, message, hashlib.sha256).digest()


def leave(name, body):
    aws("s3", "cp", "-", "s3://%s/%sresults/%s/%s" % (BUCKET, PREFIX, MACHINE, name), "--only-show-errors", data=body)


def beat(name, state, nonce=""):
    leave(name, json.dumps({"state": state, "nonce": nonce, "at": datetime.now(timezone.utc).isoformat()}).encode())


def read_job(key):
    raw = aws("s3", "cp", "s3://%s/%sjobs/%s/job.json" % (BUCKET, PREFIX, MACHINE), "-")
    if not raw:
        return None
    try:
        e = json.loads(raw)
        message = base64.b64decode(e["message"])
        if not right(key, e["algorithm"], message, bytes.fromhex(e["signature"])):
            return None
        job = json.loads(message)
        expires = datetime.strptime(job["expires"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
        if job["version"] != 1 or job["machine"] != MACHINE or expires < datetime.now(timezone.utc) or not re.match("^[0-9a-f]{32}$", job["nonce"]):
            return None
    except (ValueError, KeyError, TypeError):
        return None
    with open(os.path.join(HOME, "nonces"), "a+") as f:
        f.seek(0)
        if job["nonce"] in f.read().split():
            return None
        f.write(job["nonce"] + "\n")
        f.flush()
        os.fsync(f.fileno())
    return job


class Log:
    def __init__(self, nonce):
        self.nonce, self.pieces = nonce, 0
        self.files = [(False, tempfile.NamedTemporaryFile(dir=HOME)), (True, tempfile.NamedTemporaryFile(dir=HOME))]
        self.readers = [(err, open(f.name, "rb"), bytearray()) for err, f in self.files]

    def flush(self, last):
        lines = []
        for err, reader, rest in self.readers:
            rest += reader.read()
            end = len(rest) if last else rest.rfind(b"\n") + 1
            for line in bytes(rest[:end]).decode("utf-8", "replace").split("\n")[:None if last and not rest.endswith(b"\n") and rest else -1]:
                lines.append(json.dumps({"t": line.rstrip("\r"), "e": True} if err else {"t": line.rstrip("\r")}))
            del rest[:end]
        if lines:
            self.pieces += 1
            leave("%s/log-%06d" % (self.nonce, self.pieces), ("\n".join(lines) + "\n").encode())


def start(job, log):
    for f in job.get("files", []):
        os.makedirs(os.path.dirname(f["path"]), exist_ok=True)
        with urllib.request.urlopen(f["url"]) as r, open(f["path"], "wb") as w:
            digest = hashlib.sha256()
            for chunk in iter(lambda: r.read(1 << 20), b""):
                digest.update(chunk)
                w.write(chunk)
        if digest.hexdigest() != f["sha256"]:
            os.remove(f["path"])
            raise ValueError(f["path"] + " has another sha256 than the job says")
    script = os.path.join(HOME, "job")
    with open(script, "w") as f:
        f.write(job["script"])
    env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8", **job.get("environment", {})}
    return subprocess.Popen((job.get("interpreter") or "/bin/sh -e").split() + [script], env=env, cwd="/", stdin=subprocess.DEVNULL,
                            stdout=log.files[0][1], stderr=log.files[1][1], start_new_session=True)


def carry_out(job, key):
    log, problem, code = Log(job["nonce"]), None, 1
    beat(job["nonce"] + "/beat.json", "working", job["nonce"])
    try:
        p, last = start(job, log), time.monotonic()
        while True:
            try:
                code = p.wait(1)
                break
            except subprocess.TimeoutExpired:
                log.flush(False)
                if time.monotonic() - last > 15:
                    beat(job["nonce"] + "/beat.json", "working", job["nonce"])
                    last = time.monotonic()
        log.flush(True)
    except (OSError, ValueError) as e:
        problem = str(e)
    result = {"run": job["run"], "nonce": job["nonce"], "exit": code, "pieces": log.pieces}
    if problem:
        result["error"] = problem
    message = json.dumps(result).encode()
    leave(job["nonce"] + "/result.json", json.dumps({
        "algorithm": "HMAC-SHA256", "message": base64.b64encode(message).decode(), "signature": mac(key, message).hex()}).encode())


waiting, said = time.monotonic(), 0
while time.monotonic() - waiting < IDLE:
    # The role's credentials come some time after the start, and the key may change: both are asked each time.
    key = job_key()
    job = key and read_job(key)
    if job:
        carry_out(job, key)
        waiting = time.monotonic()
        continue
    if key and time.monotonic() - said > 15:
        beat("status.json", "waiting")
        said = time.monotonic()
    time.sleep(float(os.environ.get("IMAGEBUILD_POLL", "2")))
beat("status.json", "no_job_received")
PROGRAM
  fi
done
echo "imagebuild: there is no Python 3 on this machine" >&2
exit 1
