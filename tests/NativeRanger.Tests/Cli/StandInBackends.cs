using System.Numerics;
using NativeRanger.Numerics;

namespace NativeRanger.Tests.Cli;

/// <summary>The managed backend with learning rates that are one unit in the last place too large.</summary>
internal sealed class SkewedBackend : Backend
{
    public override string Name => "skewed";

    public override StepEngine<T> CreateEngine<T>(Optimizer optimizer) =>
        new Engine<T>(ManagedBackend.Instance.CreateEngine<T>(optimizer));

    private sealed class Engine<T>(StepEngine<T> inner) : StepEngine<T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override IReadOnlyList<StateArray<T>> Arrays => inner.Arrays;

        public override IReadOnlyList<StateCounter> Counters => inner.Counters;

        public override string Description => "skewed";

        public override void AddGroup(IReadOnlyList<Parameter<T>> parameters, Optimizer optimizer) =>
            inner.AddGroup(parameters, optimizer);

        public override void SetOptimizer(int group, Optimizer optimizer) => inner.SetOptimizer(group, optimizer);

        public override void AddAverage(Average average) => inner.AddAverage(average);

        public override bool Step(in StepRequest<T> request)
        {
            var rates = request.LearningRates.ToArray();
            for (var i = 0; i < rates.Length; i++)
            {
                rates[i] = double.CreateChecked(T.BitIncrement(T.CreateChecked(rates[i])));
            }

            return inner.Step(
                new StepRequest<T>
                {
                    Gradients = request.Gradients,
                    LearningRates = rates,
                    MicroBatches = request.MicroBatches,
                    ZeroGradients = request.ZeroGradients,
                }
            );
        }

        public override void Synchronize() => inner.Synchronize();

        protected override void Dispose(bool disposing)
        {
            inner.Dispose();
            base.Dispose(disposing);
        }
    }
}

/// <summary>A backend without engines.</summary>
internal sealed class BrokenBackend : Backend
{
    public override string Name => "broken";

    public override StepEngine<T> CreateEngine<T>(Optimizer optimizer) =>
        throw new PlatformNotSupportedException("out of order");
}
