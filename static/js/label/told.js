// What changed in the guideline, shown once before the person goes on; the server remembers that they have read it.
export class Told {
  // on: done() once it is read, tell() -> {status} tells the server, opened() and closed() stop and start the clock
  constructor(on) {
    this.dialog = document.getElementById("told-dialog");
    if (!this.dialog) return;
    // Esc does not close it: only having read it does.
    this.dialog.addEventListener("cancel", (event) => event.preventDefault());
    this.dialog.addEventListener("keydown", (event) => {
      // The keys of the page behind it hear nothing: Enter would send an answer that nobody has looked at.
      event.stopPropagation();
      if (event.key === "Escape") event.preventDefault();
      if (event.key !== "Enter" || event.repeat || event.target.closest("summary")) return;
      event.preventDefault();
      this.dialog.close();
    });
    this.dialog.querySelector("[data-told]").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("close", () => {
      // Without a connection it is shown once more next time.
      on.tell();
      on.closed();
    });
    this.dialog.showModal();
    this.dialog.querySelector("h2").focus();
    on.opened();
  }
}
