// Opens spice-html5's own page and waits until the machine's screen shows something: { url }. Prints the screen's size
// and how many of its pixels are not black.
import { options, withPage } from './page.mjs';

// Runs in the page: the largest canvas.
function lookAtScreen() {
  const canvases = [...document.querySelectorAll('canvas')];
  const canvas = canvases.sort((a, b) => b.width * b.height - a.width * a.height)[0];
  if (!canvas || canvas.width < 300) return null;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let lit = 0;
  for (let at = 0; at < data.length; at += 4) lit += data[at] + data[at + 1] + data[at + 2] > 0;
  return lit > 0 ? { width: canvas.width, height: canvas.height, lit } : null;
}

await withPage(options.url, async (page) => {
  const seen = await page.waitForFunction(lookAtScreen);
  if (options.screenshot) await page.screenshot({ path: options.screenshot });
  return await seen.jsonValue();
});
