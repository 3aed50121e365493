"""How images become outputs on the threads of this process.

`admission` bounds what is inside; a `Scheduler` (`job`) computes: `SingleJobs` or `DynamicBatches`,
whichever `choice` measured to be faster for the model at hand, now or at an earlier start
(`memory`). Both take jobs on `job_threads`, and tell what came out `together`.
"""
