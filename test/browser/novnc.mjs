// Shows a desktop in noVNC: { url, root, terminal, typeAt, text } where `root` and `terminal` are [r, g, b].
// Waits for the desktop's colours on the canvas, types `text` at `typeAt`, prints the pixel counts, and what
// our page (novnc.html) or noVNC's own (vnc_lite.html) says of its state.
import { options, withPage } from './page.mjs';

// Runs in the page: how many of the canvas's pixels have each of the colours.
function countPixels(colours) {
  const canvas = document.querySelector('#screen canvas');
  if (!canvas || canvas.width === 0) return null;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const counts = colours.map(() => 0);
  for (let at = 0; at < data.length; at += 4) {
    colours.forEach(([red, green, blue], index) => {
      if (data[at] === red && data[at + 1] === green && data[at + 2] === blue) counts[index]++;
    });
  }
  return { width: canvas.width, height: canvas.height, counts };
}

await withPage(options.url, async (page) => {
  const colours = [options.root, options.terminal];
  let seen = null;
  const deadline = Date.now() + 20000;
  do {
    seen = await page.evaluate(countPixels, colours);
    if (seen && seen.counts.every((count) => count > 0)) break;
    await page.waitForTimeout(100);
  } while (Date.now() < deadline);

  // Without a window manager the keyboard goes where the pointer is.
  const [x, y] = options.typeAt;
  const box = await page.locator('#screen canvas').boundingBox();
  await page.mouse.click(box.x + x, box.y + y);
  await page.keyboard.type(options.text, { delay: 5 });
  await page.keyboard.press('Enter');
  await page.waitForTimeout(500);
  return await page.evaluate((counted) => {
    const status = document.getElementById('status');
    return { ...counted, ...document.body.dataset, status: status ? status.textContent : null };
  }, seen);
});
