import { readFileSync } from 'node:fs';

import { Controller, Get, Header } from '@nestjs/common';
import { SkipSession } from 'nestjs-curfew';

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const [html, css, script] = ['index.html', 'page.css', 'page.js'].map((name) =>
  readFileSync(new URL(name, import.meta.url), 'utf8'),
);

/** The page for people. It is the same for everyone, so no session is looked up for it. */
@SkipSession()
@Controller()
export class PageController {
  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Content-Security-Policy', POLICY)
  @Header('X-Content-Type-Options', 'nosniff')
  @Header('Referrer-Policy', 'same-origin')
  readHtml(): string | undefined {
    return html;
  }

  @Get('page.css')
  @Header('Content-Type', 'text/css; charset=utf-8')
  @Header('X-Content-Type-Options', 'nosniff')
  readCss(): string | undefined {
    return css;
  }

  @Get('page.js')
  @Header('Content-Type', 'text/javascript; charset=utf-8')
  @Header('X-Content-Type-Options', 'nosniff')
  readScript(): string | undefined {
    return script;
  }
}
