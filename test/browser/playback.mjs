// Plays a recording on noVNC's own playback page: { url, root, terminal } with colours as [r, g, b]. Prints the most
// pixels of each that the canvas showed meanwhile, and what the page says in the end.
import { options, withPage } from './page.mjs';

// Runs in the page, before its own code is started: looks at the canvas until the page is left.
function watchCanvas(colours) {
  window.mostPixels = colours.map(() => 0);
  setInterval(() => {
    const canvas = document.querySelector('#VNC_screen canvas');
    if (!canvas || canvas.width === 0) return;
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    colours.forEach(([red, green, blue], index) => {
      let count = 0;
      for (let at = 0; at < data.length; at += 4) {
        if (data[at] === red && data[at + 1] === green && data[at + 2] === blue) count++;
      }
      window.mostPixels[index] = Math.max(window.mostPixels[index], count);
    });
  }, 50);
}

await withPage(options.url, async (page) => {
  await page.waitForFunction(() => document.getElementById('messages').textContent.includes('Ready'));
  await page.evaluate(watchCanvas, [options.root, options.terminal]);
  await page.check('#mode2'); // in real time: the canvas goes with the last frame
  await page.click('#startButton');
  await page.waitForFunction(() => /iterations took|disconnected/.test(document.getElementById('messages').textContent));
  return await page.evaluate(() => ({
    counts: window.mostPixels,
    messages: document.getElementById('messages').textContent,
  }));
});
