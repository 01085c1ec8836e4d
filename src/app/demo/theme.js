/* Applies the stored theme before the first paint: a plain script in the head, since modules run
 * after it. The button for it is wired in app.js. */
'use strict';
(() => {
  try {
    const stored = localStorage.getItem('wsluice-theme');
    if (stored === 'light' || stored === 'dark') document.documentElement.dataset.theme = stored;
  } catch {
    // No storage (a private window, a blocked cookie): the system's theme it is.
  }
})();
