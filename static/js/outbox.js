// Answers on their way to the server: kept in the browser's storage until the server has said that it has them.
//
// One entry: {user, body, packet, at}. Entries are sent in order, by one tab at a time (a Web Lock), each with the
// client-made id that makes a repeat harmless. Entries of another user stay where they are and are never sent.

export function cookie(name) {
  return document.cookie.split("; ").find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
}

export async function send(url, body) {
  const answer = await fetch(url, {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", "X-CSRFToken": cookie("csrftoken"), Accept: "application/json" },
    body: JSON.stringify(body),
  });
  const json = answer.headers.get("Content-Type")?.startsWith("application/json") ? await answer.json() : null;
  return { status: answer.status, json };
}

export class Outbox {
  constructor(user, project, url, on) {
    this.key = `assay-outbox-${user}-${project}`;
    this.url = url;
    this.on = on; // saved(entry, reply), refused(entry, status, reply), state(name, count)
    this.pause = 0;
    this.timer = null;
    this.memory = null; // used where the browser gives no storage
  }

  read() {
    if (this.memory) return this.memory;
    try {
      return JSON.parse(localStorage.getItem(this.key) ?? "[]");
    } catch {
      return [];
    }
  }

  write(entries) {
    try {
      if (!this.memory) localStorage.setItem(this.key, JSON.stringify(entries));
      else this.memory = entries;
    } catch {
      this.memory = entries;
    }
  }

  add(entry) {
    this.write([...this.read(), entry]);
    this.flush();
  }

  // Take back an entry that has not been sent yet.
  take(clientId) {
    const entries = this.read();
    const found = entries.find((entry) => entry.body.client_id === clientId && !entry.sent);
    if (found) this.write(entries.filter((entry) => entry !== found));
    return found ?? null;
  }

  mark(clientId) {
    this.write(this.read().map((entry) => (entry.body.client_id === clientId ? { ...entry, sent: true } : entry)));
  }

  drop(clientId) {
    this.write(this.read().filter((entry) => entry.body.client_id !== clientId));
  }

  get size() {
    return this.read().length;
  }

  retry(seconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), seconds * 1000);
  }

  flush() {
    clearTimeout(this.timer);
    const work = () => this.drain();
    return navigator.locks ? navigator.locks.request(this.key, work) : work();
  }

  async drain() {
    for (let entry = this.read()[0]; entry; entry = this.read()[0]) {
      this.on.state("saving", this.size);
      let reply;
      this.mark(entry.body.client_id);
      try {
        reply = await send(this.url, entry.body);
      } catch {
        reply = { status: 0, json: null };
      }
      const { status, json } = reply;
      if (status === 200) {
        this.pause = 0;
        this.drop(entry.body.client_id);
        this.on.saved(entry, json);
      } else if ([400, 403, 404, 409, 413].includes(status) && json) {
        this.drop(entry.body.client_id);
        this.on.refused(entry, status, json);
      } else if (status === 401 || status === 403) {
        this.on.state("out", this.size, json?.sign_in);
        return;
      } else {
        // No connection, or a server that is busy or restarting: try again, ever less often.
        this.pause = Math.min(30, this.pause ? this.pause * 1.7 : 1);
        this.on.state("waiting", this.size);
        this.retry(this.pause);
        return;
      }
    }
    this.on.state("saved", 0);
  }
}
