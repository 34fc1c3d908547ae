// The threads that sessions run on.
#pragma once

#include "runtime/thread_pool.h"
