// Drives the demo's page in Chromium as a person would: { url, story, shots, ...what the story takes }.
// Each story does its part and prints what was to be seen; test_demo_page.py judges it.
import { options, withPage } from './page.mjs';

const PHONE = { width: 390, height: 844 };
const DESK = { width: 1440, height: 900 };

/* --- hands and eyes ------------------------------------------------------------------------------ */

const connected = (page) => page.waitForSelector('#state[data-state=open]');
const ended = (page) => page.waitForSelector('#ended:not([hidden])');
const shoot = (page, name) => page.screenshot({ path: `${options.shots}/${name}.png` });

/** Types a line and waits for one of the service's lines to be `answer`. */
async function ask(page, line, answer) {
  await page.fill('#line', line);
  await page.press('#line', 'Enter');
  if (answer !== undefined) await heard(page, answer);
}

const heard = (page, answer) => page.waitForFunction(
  (text) => [...document.querySelectorAll('#transcript .in')].some((line) => line.textContent === text), answer);

const lines = (page, kind) => page.$$eval(`#transcript .${kind}`, (all) => all.map((line) => line.textContent));

const rows = (page) => page.$$eval('#frames-rows tr', (all) => all.map((row) => ({
  direction: row.querySelector('.c-arrow').getAttribute('aria-label'),
  opcode: row.querySelector('.c-opcode').textContent,
  length: Number(row.querySelector('.c-length').textContent.replaceAll(',', '')),
  payload: row.querySelector('.c-payload').textContent,
})));

/** Waits until the table shows a frame whose payload contains `text`. */
const rowOf = (page, text) => page.locator('#frames-rows tr', { hasText: text }).last();

const textOf = async (page, ...ids) => Object.fromEntries(
  await Promise.all(ids.map(async (id) => [id, (await page.textContent(`#${id}`)).trim()])));

const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.tagName);

/** How many pixels in the newest quarter of a chart (no labels there) have the style sheet's colour of
 * that name. */
const pixels = (page, canvas, colour) => page.evaluate(([id, name]) => {
  const chart = document.getElementById(id);
  const copy = Object.assign(document.createElement('canvas'), { width: chart.width, height: chart.height });
  const pen = copy.getContext('2d', { willReadFrequently: true });
  pen.drawImage(chart, 0, 0);
  const from = Math.round(copy.width * 0.76);
  const seen = pen.getImageData(from, 0, copy.width - from, copy.height).data;
  pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  pen.fillRect(0, 0, 1, 1);
  const wanted = pen.getImageData(0, 0, 1, 1).data;
  let count = 0;
  for (let i = 0; i < seen.length; i += 4) {
    // Bars slide by parts of a pixel: their edges are paler.
    if (seen[i + 3] > 127 && [0, 1, 2].every((c) => Math.abs(seen[i + c] - wanted[c]) < 40)) count++;
  }
  return count;
}, [canvas, colour]);

const painted = async (page) => {
  await page.waitForTimeout(1200); // what was counted is drawn within a second
  return {
    down: await pixels(page, 'throughput', 'down'),
    up: await pixels(page, 'throughput', 'up'),
    rtt: await pixels(page, 'rtt', 'accent'),
  };
};

const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
const background = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

/** Presses Tab (or another key) until the element with that id or tag has the focus; how often, or -1. */
async function tabTo(page, wanted, key = 'Tab') {
  for (let presses = 1; presses <= 60; presses++) {
    await page.keyboard.press(key);
    if (await focused(page) === wanted) return presses;
  }
  return -1;
}

/* --- stories ------------------------------------------------------------------------------------- */

const stories = {
  async talks(page) {
    await page.setViewportSize(DESK);
    await ask(page, 'echo hello', 'hello');
    await rowOf(page, /^↓.*hello/).waitFor();
    await page.check('#probe');
    await page.waitForFunction(() => document.querySelectorAll('#frames-rows tr').length >= 7);
    await page.uncheck('#probe');
    await page.waitForFunction(() => { // the last ping's answer is in the table and in the figures
      const count = (label) => document.querySelectorAll(`#frames-rows [aria-label=${label}]`).length;
      return count('sent') + 1 === count('received') // and the greeting
        && document.querySelector('#down-frames').textContent === `${count('received')} frames`;
    });
    const report = {
      painted: await painted(page),
      figures: await textOf(page, 'down-bytes', 'down-frames', 'up-bytes', 'up-frames', 'rtt-last', 'rtt-p50'),
      rows: await rows(page),
      typed: await lines(page, 'out'),
      answers: await lines(page, 'in'),
      url: await page.inputValue('#url'),
    };
    await shoot(page, 'desk');
    return report;
  },

  async opens_a_frame(page) {
    await ask(page, 'echo Größe', 'Größe');
    await rowOf(page, /^↓.*Größe/).click();
    await page.setViewportSize(DESK);
    const report = {
      ...await textOf(page, 'detail-title', 'detail-facts', 'dump-offsets', 'dump-hex', 'dump-chars', 'dump-text'),
      selected: await page.$$eval('#frames-rows tr[aria-selected=true] .c-payload', (all) => all.map((e) => e.textContent)),
    };
    await shoot(page, 'frame');
    await page.click('#detail-close');
    report.hiddenAgain = await page.isHidden('#detail');
    return report;
  },

  /** From the first Tab on, without a mouse. */
  async keyboard(page) {
    const report = { atStart: await focused(page) };
    report.tabsBack = await tabTo(page, 'A', 'Shift+Tab');
    report.skip = await page.evaluate(() => document.activeElement.className);
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement.id === 'line');
    await page.keyboard.type('echo first');
    await page.keyboard.press('Enter');
    await heard(page, 'first');
    await page.keyboard.type('echo second');
    await page.keyboard.press('Enter');
    await heard(page, 'second');
    await page.keyboard.type('half a li');
    const recalled = [];
    for (const key of ['ArrowUp', 'ArrowUp', 'ArrowUp', 'ArrowDown', 'ArrowDown']) {
      await page.keyboard.press(key);
      recalled.push(await page.inputValue('#line'));
    }
    report.recalled = recalled;
    await rowOf(page, /^↓.*second/).waitFor();
    report.tabsToRows = await tabTo(page, 'TR');
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    report.opened = await page.textContent('#dump-text');
    await page.keyboard.press('ArrowDown');
    report.moved = await page.textContent('#dump-text');
    await page.keyboard.press('Escape');
    report.closed = await page.isHidden('#detail');
    report.focusAfter = await focused(page);
    report.outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    return report;
  },

  async ends(page) {
    await ask(page, 'bye');
    await ended(page);
    await rowOf(page, /^↓.*close/).waitFor();
    const report = {
      ...await textOf(page, 'state', 'ended-code', 'ended-reason', 'ended-words', 'announce'),
      rows: (await rows(page)).slice(-2),
      marked: await page.getAttribute('#codes-list .last', 'id'),
    };
    await shoot(page, 'ended');
    await page.click('#reconnect');
    await connected(page);
    await ask(page, 'echo again', 'again');
    report.cardAfter = await page.isVisible('#ended');
    await page.click('#connect');
    await ended(page);
    report.disconnected = await textOf(page, 'state', 'ended-code');
    return report;
  },

  async floods(page) {
    await ask(page, `flood ${options.bytes}`);
    await page.waitForFunction(() => document.querySelector('#transcript').lastElementChild.textContent.startsWith('flood done'));
    await page.waitForFunction(() => document.querySelector('#down-rate').textContent === '0 B/s');
    // A line now: on a slow machine the one that asked for the flood has left the chart's newest quarter.
    await ask(page, 'echo still here', 'still here');
    const report = {
      received: await page.getAttribute('#down-bytes', 'title'),
      shownLines: await page.$eval('#transcript', (element) => element.childElementCount),
      rows: (await rows(page)).length,
      largest: Math.max(...(await rows(page)).map((row) => row.length)),
      notes: await lines(page, 'note'),
      painted: await painted(page),
    };
    await shoot(page, 'flood');
    return report;
  },

  async themes(page) {
    const report = {};
    for (const colorScheme of ['dark', 'light']) {
      await page.emulateMedia({ colorScheme });
      report[colorScheme] = await background(page);
      await shoot(page, `theme-${colorScheme}`);
    }
    await page.click('#theme'); // system -> light
    await page.click('#theme'); // light -> dark
    report.chosen = await background(page);
    report.label = await page.getAttribute('#theme', 'aria-label');
    await page.reload();
    report.kept = await background(page);
    return report;
  },

  async phone(page) {
    const report = {};
    for (const width of [PHONE.width, 360, 320]) {
      await page.setViewportSize({ width, height: PHONE.height });
      await page.evaluate(() => window.scrollTo(0, 0));
      await ask(page, 'help');
      await ask(page, `echo ${width}`, String(width));
      const line = await page.locator('#line').boundingBox();
      await rowOf(page, new RegExp(`^↓.*${width}`)).click();
      report[width] = { overflow: await overflow(page), lineEnds: line.y + line.height };
      await page.evaluate(() => window.scrollTo(0, 0));
      await shoot(page, `phone-${width}`);
    }
    return report;
  },

  async elsewhere(page) {
    const report = { targets: [] };
    for (const { url, line, answer, mode } of options.targets) {
      await page.fill('#url', url); // Enter leaves the connection that there is for this one
      await page.locator(`input[name=mode][value=${mode}]`).check({ force: true });
      await page.press('#url', 'Enter');
      await connected(page);
      await ask(page, line, answer);
      await rowOf(page, new RegExp(`^↓.*${answer}`)).waitFor();
      const sent = (await rows(page)).filter((row) => row.direction === 'sent').at(-1);
      report.targets.push({ state: await page.textContent('#state'), sent });
    }
    return report;
  },

  async refused(page) {
    await page.click('#connect');
    await page.waitForSelector('#state[data-state=closed]');
    await page.fill('#url', options.dead);
    await page.click('#connect');
    await page.waitForFunction(() => document.querySelector('#ended-code').textContent.startsWith('1006'));
    const report = await textOf(page, 'state', 'ended-code', 'ended-words');
    await page.fill('#url', 'http://[nonsense');
    await page.click('#connect');
    report.note = await page.textContent('#connect-note');
    await ask(page, 'echo into the void');
    await page.waitForFunction(() => [...document.querySelectorAll('#transcript .bad')].some((e) => e.textContent.includes('nothing was sent')));
    report.kept = await page.inputValue('#line');
    return report;
  },

  async links(page) {
    const report = {};
    for (const [name, query] of Object.entries(options.queries)) {
      await page.goto(`${options.url}?${query}`);
      if (name === 'own') await connected(page);
      else await page.waitForTimeout(300); // nothing must happen, for as long as something would take
      report[name] = {
        ...await textOf(page, 'state', 'connect-note'), url: await page.inputValue('#url'),
      };
    }
    return report;
  },

  async markup(page) {
    const hostile = '<img src=x onerror="document.title=1"><b>bold</b>';
    await ask(page, `echo ${hostile}`, hostile);
    await ask(page, 'echo \u001b[2J\u202e', '\\x1b[2J\u202e');
    await rowOf(page, '<b>').click();
    return {
      elements: await page.$$eval('#transcript *, #frames-rows td *, .detail pre *', (all) => all.map((e) => e.tagName)),
      title: await page.title(),
    };
  },

  async inspects(page) {
    await ask(page, 'echo needle', 'needle');
    await ask(page, 'time');
    await rowOf(page, 'time').waitFor();
    // Its answer too: what comes later would count as passed while paused.
    await page.waitForFunction(() => document.querySelectorAll('#frames-rows tr').length === 5);
    const report = {};
    await page.fill('#frames-search', 'NEEDLE');
    report.found = await rows(page);
    await page.selectOption('#frames-direction', 'up');
    report.foundSent = await rows(page);
    await page.fill('#frames-search', '');
    await page.selectOption('#frames-direction', '');
    await page.click('#frames-pause');
    const before = (await rows(page)).length;
    await ask(page, 'echo unseen', 'unseen');
    await page.waitForFunction(() => document.querySelector('#frames-count').textContent.includes('2 passed while paused'));
    report.whilePaused = (await rows(page)).length - before;
    await page.click('#frames-pause');
    await ask(page, 'echo seen', 'seen');
    await rowOf(page, /^↓.*seen/).waitFor();
    await page.click('#frames-clear');
    report.cleared = (await rows(page)).length;
    await page.click('#console-clear');
    report.transcript = await page.$eval('#transcript', (element) => element.childElementCount);
    return report;
  },
};

await withPage(options.url, async (page) => {
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('requestfailed', (request) => {
    const { errorText } = request.failure();
    if (errorText !== 'net::ERR_ABORTED') complaints.push(`${request.url()}: ${errorText}`); // by the reload
  });
  await page.reload(); // from here on nothing that the page says is missed
  await connected(page);
  await page.waitForSelector('#transcript .in'); // the greeting
  return { ...await stories[options.story](page), complaints };
});
