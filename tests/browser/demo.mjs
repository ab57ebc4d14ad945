// The demo as a process, and its repository.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

export class Demo {
  #child; #lines = []; #waiting = [];

  // Starts the program and waits until it has told where its page is.
  static async start(program) {
    const demo = new Demo();
    demo.#child = spawn(program, ["demo", "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
    createInterface({ input: demo.#child.stdout }).on("line", (line) => {
      demo.#lines.push(line);
      demo.#waiting = demo.#waiting.filter((one) => !one(line));
    });
    demo.address = (await demo.said(/^ {2}page /)).match(/http:\S+/)[0];
    demo.repository = (await demo.said(/^ {2}repository /)).trim().split(/\s+/)[1];
    return demo;
  }

  // The first line that is like this, also if it was said before.
  said(pattern) {
    const before = this.#lines.find((line) => pattern.test(line));
    if (before !== undefined) return Promise.resolve(before);
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no line ${pattern} after:\n${this.#lines.join("\n")}`)), 150_000);
      this.#waiting.push((line) => {
        if (!pattern.test(line)) return false;
        clearTimeout(late);
        resolve(line);
        return true;
      });
    });
  }

  read(path) { return readFileSync(join(this.repository, path), "utf8"); }

  // Commits files, by any author and subject.
  commit(files, subject, author = "A person <person@example.com>") {
    for (const [path, text] of Object.entries(files)) {
      const file = join(this.repository, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    const git = (...words) => execFileSync("git", ["-C", this.repository, "-c", "user.name=t", "-c", "user.email=t@example.com", ...words], { encoding: "utf8" });
    git("add", "--all");
    git("commit", "--quiet", "--author", author, "--message", subject);
    return git("rev-parse", "HEAD").trim();
  }

  async end() {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGTERM");
    await ended;
  }
}
