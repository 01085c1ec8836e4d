let js;
