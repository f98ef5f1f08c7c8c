// Answers on their way to the server: kept in the browser's storage until the server has said that it has them.
//
// One entry: {body, packet, at, sent}, each under a key of its own, so that two tabs never overwrite each other's work.
// Entries are sent in order, by one tab at a time (a Web Lock), each with the client-made id that makes a repeat
// harmless. Entries of another user stay where they are, and the server takes none in another person's name.

const PATIENCE = 30_000; // a connection that says nothing for so long is treated as gone

export function cookie(name) {
  return document.cookie.split("; ").find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
}

// {status, json} of a request in the name of `user`; status 0 where no answer came, json null where it is not JSON.
export async function ask(url, user, body) {
  const headers = { Accept: "application/json", "X-Assay-User": user };
  if (body) Object.assign(headers, { "Content-Type": "application/json", "X-CSRFToken": cookie("csrftoken") });
  try {
    const signal = AbortSignal.timeout?.(PATIENCE);
    const reply = await fetch(url, { method: body ? "POST" : "GET", headers, signal, body: body && JSON.stringify(body) });
    const isJson = reply.headers.get("Content-Type")?.startsWith("application/json");
    return { status: reply.status, json: isJson ? await reply.json() : null };
  } catch {
    return { status: 0, json: null };
  }
}

// A random UUID. crypto.randomUUID exists only in secure contexts; an office network may well be plain http.
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

function parsed(words) {
  try {
    return JSON.parse(words);
  } catch {
    return null;
  }
}

export class Outbox {
  constructor(user, project, url, on) {
    this.user = user;
    this.prefix = `assay-outbox-${user}-${project}-`;
    this.url = url;
    this.on = on; // saved(entry, reply), refused(entry, status, reply), state(name, count, reply)
    this.pause = 0;
    this.end = "idle"; // "saved" once the server has taken the last answer given here; of a refused one nothing is claimed
    this.timer = null;
    this.memory = []; // what the browser's storage did not take
    this.turn = Promise.resolve();
  }

  read() {
    const found = [...this.memory];
    try {
      for (const key of Object.keys(localStorage)) {
        const entry = key.startsWith(this.prefix) && parsed(localStorage.getItem(key));
        if (entry?.body) found.push(entry);
      }
    } catch { /* no storage here: memory is all there is */ }
    return found.sort((a, b) => a.at - b.at);
  }

  store(entry) {
    this.memory = this.memory.filter((one) => one.body.client_id !== entry.body.client_id);
    try {
      localStorage.setItem(this.prefix + entry.body.client_id, JSON.stringify(entry));
    } catch {
      this.memory.push(entry);
    }
  }

  drop(clientId) {
    this.memory = this.memory.filter((one) => one.body.client_id !== clientId);
    try { localStorage.removeItem(this.prefix + clientId); } catch { /* it was in memory */ }
  }

  add(entry) {
    // Later than all that waits, also where the clock was set back.
    const at = Math.max(Date.now(), ...this.read().map((one) => one.at + 1));
    this.store({ ...entry, at });
    this.end = "idle"; // another window may send it
    this.on.state("saving", this.size); // at once: "saved" of the answer before must not stand beside an unsent one
    this.flush();
  }

  // Take back an entry that is not on its way at this moment. One whose try failed may have arrived all the same: then
  // the server says so when the other answer comes.
  take(clientId) {
    const found = this.read().find((entry) => entry.body.client_id === clientId && !entry.sent);
    if (found) this.drop(clientId);
    return found ?? null;
  }

  get size() {
    return this.read().length;
  }

  flush() {
    clearTimeout(this.timer);
    const work = () => this.drain();
    // Locks exist only in secure contexts; on a plain http network the tab at least waits for itself.
    this.turn = navigator.locks ? navigator.locks.request(this.prefix, work) : this.turn.then(work, work);
    return this.turn;
  }

  async drain() {
    for (let entry = this.read()[0]; entry; entry = this.read()[0]) {
      const { body } = entry;
      this.on.state("saving", this.size);
      this.store({ ...entry, sent: true });
      const { status, json } = await ask(this.url, this.user, body);
      if (status === 200 && json) {
        this.pause = 0;
        this.end = "saved";
        this.drop(body.client_id);
        this.on.saved(entry, json);
      } else if (json && [400, 403, 404, 409, 413].includes(status)) {
        this.end = "idle";
        this.drop(body.client_id);
        this.on.refused(entry, status, json);
      } else if (status === 401) {
        this.on.state("out", this.size, json);
        return;
      } else if (status === 403 || status === 404) {
        this.on.state("lost", this.size);
        return;
      } else {
        // No connection, or a server that is busy or restarting: try again, ever less often.
        this.pause = Math.min(30, this.pause ? this.pause * 1.7 : 1);
        this.store({ ...entry, sent: false });
        this.on.state("waiting", this.size);
        this.timer = setTimeout(() => this.flush(), this.pause * 1000);
        return;
      }
    }
    this.on.state(this.end, 0);
  }
}
