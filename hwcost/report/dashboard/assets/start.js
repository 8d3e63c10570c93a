"use strict";
// The last script of the page: everything is loaded, the first view can be shown.
hwcost.start();
