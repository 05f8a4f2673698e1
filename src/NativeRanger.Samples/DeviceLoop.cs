// 256 least-squares problems at once on a GPU. It shows a whole training loop that runs there without a copy: a small kernel of
// this program writes the gradients, Ranger steps them, and only the end comes back to the host.

namespace NativeRanger.Samples;

internal static class DeviceLoop
{
    private const int Threads = 128;

    /// <summary>gradient = scale · (x - target), a thread per element.</summary>
    private const string Kernel = """
        .version 6.3
        .target sm_70
        .address_size 64
        .visible .entry gradient(
            .param .u64 x, .param .u64 scale, .param .u64 target, .param .u64 gradient, .param .u64 count
        )
        {
            .reg .pred %p<2>;
            .reg .b32 %r<4>;
            .reg .b64 %rd<16>;
            .reg .f32 %f<6>;
            mov.u32 %r1, %ctaid.x;
            mov.u32 %r2, %ntid.x;
            mov.u32 %r3, %tid.x;
            mul.wide.u32 %rd1, %r1, %r2;
            cvt.u64.u32 %rd2, %r3;
            add.s64 %rd3, %rd1, %rd2;
            ld.param.u64 %rd4, [count];
            setp.ge.s64 %p1, %rd3, %rd4;
            @%p1 bra done;
            shl.b64 %rd5, %rd3, 2;
            ld.param.u64 %rd6, [x];
            ld.param.u64 %rd7, [scale];
            ld.param.u64 %rd8, [target];
            ld.param.u64 %rd9, [gradient];
            add.s64 %rd10, %rd6, %rd5;
            add.s64 %rd11, %rd7, %rd5;
            add.s64 %rd12, %rd8, %rd5;
            add.s64 %rd13, %rd9, %rd5;
            ld.global.f32 %f1, [%rd10];
            ld.global.f32 %f2, [%rd11];
            ld.global.f32 %f3, [%rd12];
            sub.rn.f32 %f4, %f1, %f3;
            mul.rn.f32 %f5, %f2, %f4;
            st.global.f32 [%rd13], %f5;
        done:
            ret;
        }
        """;

    /// <summary>The largest distance from a solution, before and after; null where there is no GPU.</summary>
    public static (double Before, double After)? Run(
        TextWriter output,
        int problems = 256,
        int unknowns = 64,
        int steps = 400
    )
    {
        if (!Backend.TryCuda(0, out var gpu, out var reason))
        {
            output.WriteLine($"There is no GPU to run this on: {reason}");
            return null;
        }

        var random = new Random(1);
        float[] Draw(double least, double most) =>
            [
                .. Enumerable
                    .Range(0, problems * unknowns)
                    .Select(_ => (float)(least + (random.NextDouble() * (most - least)))),
            ];
        var (scales, targets) = (Draw(0.5, 2), Draw(-1, 1));

        using var module = gpu.LoadModule(Kernel);
        var computeGradient = module.Kernel("gradient");
        using var x = gpu.Allocate<float>(targets.Length);
        using var gradient = gpu.Allocate<float>(targets.Length);
        using var scale = gpu.Upload<float>(scales);
        using var target = gpu.Upload<float>(targets);

        var ranger = new Ranger { LearningRate = 0.1, Centralization = Centralization.None };
        using var stepper = ranger.Bind(x, problems, unknowns);
        stepper.Schedule = Schedules.FlatAnneal(steps);
        for (var step = 0; step < steps; step++)
        {
            computeGradient.Launch(
                (x.Length + Threads - 1) / Threads,
                Threads,
                x.Address,
                scale.Address,
                target.Address,
                gradient.Address,
                x.Length
            );
            stepper.Step(gradient);
        }

        var found = x.ToArray();
        var before = targets.Max(Math.Abs);
        var after = found.Zip(targets, (a, b) => Math.Abs(a - b)).Max();
        output.WriteLine(
            $"{gpu.DeviceName}: {problems} problems of {unknowns} unknowns, {steps} steps: the largest distance from a solution was "
                + $"{before:0.000}, and is {after:0.0e+0}"
        );
        return (before, after);
    }
}
