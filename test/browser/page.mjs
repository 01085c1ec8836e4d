// A headless Chromium with one page, for the scripts of this folder: `await withPage(url, story)`.
// options.home: a home directory of its own, with the certificates that it trusts (harness.trusting_home).
// When the story fails, what the page complained about goes to stderr, for the test's report.
import { chromium } from 'playwright-core';

export const options = JSON.parse(process.argv[2]);

export async function withPage(url, story) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    env: options.home ? { ...process.env, HOME: options.home } : process.env,
  });
  const complaints = [];
  try {
    const page = await browser.newPage({ viewport: { width: 1000, height: 800 } });
    page.setDefaultTimeout(options.limitMs ?? 30000);
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await page.goto(url);
    console.log(JSON.stringify(await story(page)));
  } catch (error) {
    console.error(`the page said: ${complaints.join('\n') || 'nothing'}`);
    throw error;
  } finally {
    await browser.close();
  }
}
