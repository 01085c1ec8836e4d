// Runs listen() of text_page.html in Chromium: { url, ...what listen() takes }; prints what it returns.
import { options, withPage } from './page.mjs';

await withPage(options.url, (page) => page.evaluate((run) => listen(run), options));
