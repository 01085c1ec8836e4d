// Works in terminal.html: { url, steps: [{ type, expect }] } types each text and waits until a line of the screen is
// (or matches, between slashes) what is expected. Prints the screen and the state in the end.
import { options, withPage } from './page.mjs';

function shows(expected) {
  const pattern = new RegExp(expected);
  return window.screenLines().some((line) => pattern.test(line));
}

await withPage(options.url, async (page) => {
  await page.waitForFunction(() => document.body.dataset.state === 'open');
  await page.click('#terminal');
  for (const { type, press, expect } of options.steps) {
    if (type) await page.keyboard.type(type, { delay: 5 });
    if (press) await page.keyboard.press(press);
    if (expect) await page.waitForFunction(shows, expect);
  }
  if (options.ends) await page.waitForFunction(() => document.body.dataset.state.startsWith('closed'));
  if (options.screenshot) await page.screenshot({ path: options.screenshot });
  return await page.evaluate(() => ({ screen: window.screenLines(), state: document.body.dataset.state }));
});
