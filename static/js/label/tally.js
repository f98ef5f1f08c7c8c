// How much is done: the person's share of the project as a bar, the answers of a day, the pace of this session.
//
// The numbers come with the page and are carried on here; no request is made for them.
export class Tally {
  constructor({ today, share, goal, strings, clock }) {
    this.today = today;
    this.share = share; // {done, left} when the page was loaded
    this.goal = goal; // {count, per}: what the person has set for a day or a session, or nothing
    this.strings = strings;
    this.clock = clock;
    this.session = 0;
    this.counted = new Set();
    this.number = new Intl.NumberFormat(document.documentElement.lang);
    this.draw();
  }

  // What was answered here counts at once; what was taken back or refused does not count after all.
  count({ body, packet }, change) {
    if (packet.correction || (change < 0 && !this.counted.delete(body.client_id))) return;
    if (change > 0) this.counted.add(body.client_id);
    this.session += change;
    this.today += change;
    this.move(change);
  }

  // An item that was answered in another window is none of this one's answers, but it is done.
  move(change) {
    this.share.done += change;
    this.share.left = Math.max(0, this.share.left - change);
    this.draw();
  }

  // More may have come in since the page was loaded: what is in hand waits at least.
  atLeast(left) {
    if (left <= this.share.left) return;
    this.share.left = left;
    this.draw();
  }

  // The server has nothing left for this person.
  end() {
    this.share.left = 0;
    this.draw();
  }

  draw() {
    const { done, left } = this.share;
    document.getElementById("done").textContent = this.today;
    document.getElementById("today").hidden = this.goal?.per === "day"; // the goal tells the same number
    if (this.goal) {
      const reached = this.goal.per === "day" ? this.today : this.session;
      const sentence = this.strings[reached >= this.goal.count ? "goal_reached" : `goal_${this.goal.per}`];
      const counts = { done: this.number.format(reached), goal: this.number.format(this.goal.count) };
      document.getElementById("goal").textContent = sentence.replace(/\{(\w+)\}/g, (_whole, name) => counts[name]);
    }
    const pace = Math.round(this.session / Math.max(this.clock.hours, 1 / 120));
    if (this.session > 4) document.getElementById("pace").textContent = this.strings.pace.replace("{count}", pace);
    const words = this.strings.share.replace("{done}", this.number.format(done)).replace("{all}", this.number.format(done + left));
    document.getElementById("share-words").textContent = done + left ? `${words} ·` : "";
    const bar = document.getElementById("share");
    bar.max = Math.max(1, done + left);
    bar.value = done;
    bar.setAttribute("aria-valuetext", words);
  }
}
