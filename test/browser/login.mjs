// Logs in on a page as a person does in the browser's own window, then has the page open WebSockets:
// { url, user, password, foreign, home }. Prints what became of each, with which headers, and what the page's
// own script can see of the cookie. `foreign`: the URL of a page of another origin, which tries as well.
import { chromium } from 'playwright-core';

const options = JSON.parse(process.argv[2]);

// Runs in the page: "open" when an echo came back, else the close code.
function tryUpgrade(url) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onopen = () => socket.send('echo');
    socket.onmessage = () => { resolve('open'); socket.close(); };
    socket.onclose = (event) => resolve(event.code);
  });
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  env: options.home ? { ...process.env, HOME: options.home } : process.env,
});
try {
  const socketUrl = options.url.replace(/^http/, 'ws');
  const stranger = await browser.newContext();
  const refusedPage = await (await stranger.newPage()).goto(options.url).then((answer) => answer.status(), (error) => error.message);

  const person = await browser.newContext({ httpCredentials: { username: options.user, password: options.password } });
  const page = await person.newPage();
  const answer = await page.goto(options.url);
  const report = { refusedPage, page: answer.status(), own: await page.evaluate(tryUpgrade, socketUrl) };
  report.visible = await page.evaluate(() => document.cookie);
  const cookies = await person.cookies();
  report.cookies = cookies.map(({ name, httpOnly, sameSite, secure, path }) => ({ name, httpOnly, sameSite, secure, path }));

  // A browser that sends no credentials with an upgrade, as Safari: here only its request for the page has them.
  const safari = await browser.newContext();
  const silent = await safari.newPage();
  await silent.setExtraHTTPHeaders({ Authorization: `Basic ${btoa(`${options.user}:${options.password}`)}` });
  await silent.goto(options.url);
  await silent.setExtraHTTPHeaders({});
  report.cookieAlone = await silent.evaluate(tryUpgrade, socketUrl);

  const elsewhere = await safari.newPage();
  await elsewhere.goto(options.foreign);
  report.foreign = await elsewhere.evaluate(tryUpgrade, socketUrl);

  await safari.clearCookies();
  report.without = await silent.evaluate(tryUpgrade, socketUrl);
  console.log(JSON.stringify(report));
} finally {
  await browser.close();
}
