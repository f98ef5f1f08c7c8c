"""A trainer that keeps the contract of the job folder, or breaks it on purpose: fake_trainer.py FOLDER MODE [SECONDS]."""

import json
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path

folder, mode, seconds = Path(sys.argv[1]), sys.argv[2], float((*sys.argv, 20)[3])
train, test = ([json.loads(line) for line in (folder / f"{split}.jsonl").open()] for split in ("train", "test"))
best = Counter(row["label"] for row in train).most_common(1)[0][0]


def say(**line):
    with (folder / "progress.jsonl").open("a") as file:
        file.write(json.dumps({"time": time.time(), **line}) + "\n")


def end(**result):
    (folder / "result.json").write_text(json.dumps(result))
    sys.exit(0 if result["state"] == "done" else 1)


def predict(rows):
    lines = [json.dumps({"id": row["id"], "label": best, "scores": {best: 1.0}, "status": "ok"}) for row in rows]
    (folder / "predictions.jsonl").write_text("\n".join(lines) + "\n")


print(f"mode {mode}, process {os.getpid()}, {len(train)} to learn from", flush=True)
if mode in ("slow", "stubborn"):  # one step in a tenth of a second; goes on where an earlier attempt was lost
    wish = signal.SIG_IGN if mode == "stubborn" else lambda *_: end(state="cancelled", message="stopped")
    signal.signal(signal.SIGTERM, wish)
    state, steps = folder / "step", int(seconds * 10)
    first = int(state.read_text()) if state.exists() else 0
    print(f"begins at step {first}", flush=True)
    for step in range(first, steps):
        say(phase="train", step=step, steps=steps, loss=1 / (step + 1))
        state.write_text(str(step))
        time.sleep(0.1)
elif mode == "crash":
    sys.exit("Traceback: the bottom fell out")
elif mode == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
elif mode == "terminated":
    os.kill(os.getpid(), signal.SIGTERM)
elif mode == "failed":
    end(state="failed", reason="out_of_memory", message="Batches of 64 do not fit; halve batch_size.", seconds=3)
elif mode == "chatty":
    for _ in range(200):
        print("x" * 99_999)
        time.sleep(0.01)
elif mode == "hungry":
    block = bytearray(b"x") * (400 * 2**20)
    time.sleep(seconds)
elif mode == "silent":
    sys.exit(0)
elif mode == "empty":
    end(state="done")
say(phase="train", step=1, steps=1, loss=0.5, dev={"macro_f1": 0.25})
predict([*test[1:], {"id": "nobody"}] if mode == "strange" else test)
end(state="done", dev={"macro_f1": 0.25}, seconds=0.1, device="cpu", warnings=[], parameters=0)
