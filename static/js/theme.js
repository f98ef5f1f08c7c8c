// Sets the stored appearance before the first paint; runs in the head, so it is tiny.
try {
  const stored = localStorage.getItem("assay-theme");
  if (stored === "light" || stored === "dark") document.documentElement.dataset.theme = stored;
} catch { /* no storage: as the system */ }
