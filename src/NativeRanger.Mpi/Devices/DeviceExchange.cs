using System.Numerics;

namespace NativeRanger.Mpi;

/// <summary>
/// Brings gradients in the memory of devices to the ranks that own them, where they are summed, and parameters back: bucket by
/// bucket, gathered as one slice for each rank, all equally long.
/// </summary>
internal abstract unsafe class DeviceExchange<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly IReadOnlyList<ShardedParameter> parameters;
    private readonly DeviceBuffer<T> sums;

    /// <summary>Buffers for a plan.</summary>
    /// <param name="communicator">The ranks.</param>
    /// <param name="backend">The device, in whose stream everything happens.</param>
    /// <param name="plan">Who receives what.</param>
    /// <param name="parameters">How the parameters are cut.</param>
    /// <param name="contributions">How many slices arrive for each bucket of gradients.</param>
    protected DeviceExchange(
        Communicator communicator,
        CudaBackend backend,
        ShardPlan plan,
        IReadOnlyList<ShardedParameter> parameters,
        int contributions
    )
    {
        (Communicator, Backend, Plan, this.parameters) = (communicator, backend, plan, parameters);
        for (var bucket = 0; bucket < plan.Buckets; bucket++)
        {
            for (var rank = 0; rank < communicator.Size; rank++)
            {
                Slice = Math.Max(Slice, plan.Segments(rank, bucket).Sum(s => s.Length));
            }
        }

        sums = backend.Allocate<T>(plan.Positions(communicator.Rank));
        Bucket = backend.Allocate<T>(Slice * communicator.Size);
        Arrived = backend.Allocate<T>(Slice * contributions);
    }

    public ShardPlan Plan { get; }

    public long GradientBytes => sums.Length * sizeof(T);

    public virtual long BucketBytes => (Bucket.Length + Arrived.Length) * sizeof(T);

    protected Communicator Communicator { get; }

    protected CudaBackend Backend { get; }

    /// <summary>The elements of the longest slice.</summary>
    protected long Slice { get; }

    /// <summary>A slice for each rank.</summary>
    protected DeviceBuffer<T> Bucket { get; }

    /// <summary>What arrives of a bucket of gradients.</summary>
    protected DeviceBuffer<T> Arrived { get; }

    /// <summary>The sums of this rank's range of a parameter.</summary>
    public DeviceBuffer<T> SumsOf(int parameter)
    {
        var length = parameters[parameter].Ranges[Communicator.Rank].Length;
        for (var bucket = 0; bucket < Plan.Buckets; bucket++)
        {
            foreach (var segment in Plan.Segments(Communicator.Rank, bucket))
            {
                if (segment.Parameter == parameter)
                {
                    return sums.View(segment.Position, length);
                }
            }
        }

        return sums.View(0, 0);
    }

    /// <summary>Adds the gradients of a round to the sums.</summary>
    public void Receive(Round<T> round)
    {
        for (var bucket = 0; bucket < Plan.Buckets; bucket++)
        {
            for (var rank = 0; rank < Communicator.Size; rank++)
            {
                var place = Bucket.Start + (rank * Slice);
                foreach (ref readonly var segment in Plan.Segments(rank, bucket).AsSpan())
                {
                    var gradient = round.Gradients[segment.Parameter];
                    if (gradient is null)
                    {
                        Backend.Queue.Clear(place, segment.Length * sizeof(T));
                    }
                    else
                    {
                        Copy(place, gradient + segment.Range.Start, segment.Length);
                    }

                    place += segment.Length;
                }
            }

            Reduce();
            Add(bucket, round);
        }
    }

    /// <summary>Brings the parameters that each rank has stepped to all.</summary>
    /// <param name="callers">Where the caller's parameters are, by number.</param>
    public void Share(T** callers)
    {
        for (var bucket = 0; bucket < Plan.Buckets; bucket++)
        {
            var place = Bucket.Start + (Communicator.Rank * Slice);
            foreach (ref readonly var segment in Plan.Segments(Communicator.Rank, bucket).AsSpan())
            {
                Copy(place, callers[segment.Parameter] + segment.Range.Start, segment.Length);
                place += segment.Length;
            }

            Gather();
            for (var rank = 0; rank < Communicator.Size; rank++)
            {
                place = Bucket.Start + (rank * Slice);
                foreach (ref readonly var segment in Plan.Segments(rank, bucket).AsSpan())
                {
                    if (rank != Communicator.Rank)
                    {
                        Copy(callers[segment.Parameter] + segment.Range.Start, place, segment.Length);
                    }

                    place += segment.Length;
                }
            }
        }
    }

    public virtual void Dispose()
    {
        sums.Dispose();
        Bucket.Dispose();
        Arrived.Dispose();
    }

    /// <summary>Brings what the bucket has for this rank to <see cref="Arrived"/>.</summary>
    protected abstract void Reduce();

    /// <summary>Brings the slice of every rank in the bucket to all ranks.</summary>
    protected abstract void Gather();

    /// <summary>Whether contribution number i, of those that arrive, has elements of a parameter.</summary>
    protected abstract bool Has(Round<T> round, int contribution, int parameter);

    private void Add(int bucket, Round<T> round)
    {
        var type = (int)(typeof(T) == typeof(float) ? nr_type.NR_FLOAT32 : nr_type.NR_FLOAT64);
        var offset = 0L;
        foreach (ref readonly var segment in Plan.Segments(Communicator.Rank, bucket).AsSpan())
        {
            var isFirst = !round.HasBegun(segment.Parameter);
            var place = sums.Start + segment.Position;
            for (var i = 0; i < Arrived.Length / Math.Max(1, Slice); i++)
            {
                if (!Has(round, i, segment.Parameter))
                {
                    continue;
                }

                var contribution = Arrived.Start + (i * Slice) + offset;
                if (isFirst)
                {
                    Copy(place, contribution, segment.Length);
                }
                else
                {
                    Backend.Device.Check(
                        CudaMethods.nr_cuda_accumulate(Backend.Queue.Handle, type, segment.Length, contribution, place)
                    );
                }

                isFirst = false;
            }

            offset += segment.Length;
        }
    }

    private void Copy(T* to, T* from, long count) => Backend.Copy(to, from, count * sizeof(T));
}

/// <summary>The fast exchange: collectives of NCCL, or of an MPI library that takes memory of devices.</summary>
internal sealed unsafe class FastDeviceExchange<T>(
    Communicator communicator,
    CudaBackend backend,
    ShardPlan plan,
    IReadOnlyList<ShardedParameter> parameters,
    DeviceCollectives collectives
) : DeviceExchange<T>(communicator, backend, plan, parameters, contributions: 1)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    protected override void Reduce() => collectives.ReduceScatter(Bucket.Start, Arrived.Start, Slice);

    protected override void Gather() => collectives.AllGather(Bucket.Start, Slice);

    /// <summary>The sum over the ranks has what any of them has.</summary>
    protected override bool Has(Round<T> round, int contribution, int parameter) => round.IsPresent(parameter);
}

/// <summary>
/// The reproducible exchange, through pinned memory of the host: the contributions of all ranks arrive, and are added in the order
/// of the ranks, on the device.
/// </summary>
internal sealed unsafe class OrderedDeviceExchange<T> : DeviceExchange<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly CudaMemory sent;
    private readonly CudaMemory received;
    private readonly MessageBatch batch;
    private readonly long bytes;

    public OrderedDeviceExchange(
        Communicator communicator,
        CudaBackend backend,
        ShardPlan plan,
        IReadOnlyList<ShardedParameter> parameters
    )
        : base(communicator, backend, plan, parameters, communicator.Size)
    {
        bytes = Slice * sizeof(T);
        sent = CudaMemory.OnHost(backend.Device, bytes * communicator.Size);
        received = CudaMemory.OnHost(backend.Device, bytes * communicator.Size);
        batch = new(communicator);
    }

    public override long BucketBytes => base.BucketBytes + (2 * bytes * Communicator.Size);

    public override void Dispose()
    {
        base.Dispose();
        sent.Dispose();
        received.Dispose();
    }

    protected override void Reduce()
    {
        Backend.Copy(Sent(0), Bucket.Start, bytes * Communicator.Size);
        Backend.Copy(Received(Communicator.Rank), Bucket.Start + (Communicator.Rank * Slice), bytes);

        // Then the last bucket has left the received memory, too.
        Backend.Synchronize();
        Exchange(Channel.Gradients, ownToAll: false);
        Backend.Copy(Arrived.Start, Received(0), bytes * Communicator.Size);
    }

    protected override void Gather()
    {
        var own = Bucket.Start + (Communicator.Rank * Slice);
        Backend.Copy(Sent(Communicator.Rank), own, bytes);
        Backend.Copy(Received(Communicator.Rank), own, bytes);
        Backend.Synchronize();
        Exchange(Channel.Parameters, ownToAll: true);
        Backend.Copy(Bucket.Start, Received(0), bytes * Communicator.Size);
    }

    protected override bool Has(Round<T> round, int contribution, int parameter) => round.Has(contribution, parameter);

    private byte* Sent(int rank) => (byte*)sent.DangerousGetHandle() + (rank * bytes);

    private byte* Received(int rank) => (byte*)received.DangerousGetHandle() + (rank * bytes);

    private void Exchange(Channel channel, bool ownToAll)
    {
        for (var distance = 1; distance < Communicator.Size; distance++)
        {
            var receiver = (Communicator.Rank + distance) % Communicator.Size;
            var sender = (Communicator.Rank + Communicator.Size - distance) % Communicator.Size;
            batch.Receive(Received(sender), bytes, sender, channel);
            batch.Send(Sent(ownToAll ? Communicator.Rank : receiver), bytes, receiver, channel);
        }

        batch.Wait();
    }
}
