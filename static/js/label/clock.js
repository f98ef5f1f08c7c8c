// Honest time: only seconds count in which the page is in sight and the person has moved within the last minute.
const IDLE = 60_000;

export class Clock {
  constructor() {
    this.active = 0; // milliseconds over the item on the screen
    this.worked = 0; // the same over the items answered since the page was opened
    this.stopped = false;
    this.seen = performance.now();
    this.moved = this.seen;
    setInterval(() => this.tick(), 1000);
    for (const kind of ["keydown", "pointermove", "pointerdown", "scroll", "wheel"]) {
      addEventListener(kind, () => { this.tick(); this.moved = performance.now(); }, { passive: true, capture: true });
    }
  }

  tick() {
    const now = performance.now();
    if (!document.hidden && !this.stopped && now - this.moved < IDLE) this.active += now - this.seen;
    this.seen = now;
  }

  stop(on) {
    this.tick();
    this.stopped = on;
  }

  // A new item is on the screen.
  restart() {
    this.active = 0;
  }

  // The item is answered: the seconds it took, to a tenth.
  take() {
    this.tick();
    this.worked += this.active;
    return Math.round(this.active / 100) / 10;
  }

  get hours() {
    return this.worked / 3_600_000;
  }
}
